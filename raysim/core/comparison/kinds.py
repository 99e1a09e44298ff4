"""Users of different kinds: how those of one kind differ is chance, how kinds differ is not, if there are as many."""

from __future__ import annotations

from collections import Counter

import numpy as np

from raysim.core.comparison.sample import Floats, RunSample


def same_kinds(samples: tuple[RunSample, RunSample]) -> bool:
    """Whether both runs have as many users of each kind."""
    one, other = (Counter(sample.kinds) for sample in samples)
    return bool(one) and one == other


def within_kinds(part: Floats, kinds: tuple[str, ...]) -> Floats:
    """What each user adds to figures, less the mean of its kind, so sized that errors are those of a stratified sample.

    A kind with one user says nothing of how its users differ: it is left as it is. Source: Cochran, "Sampling
    Techniques" (1977), 5.4 and 5A.12.

    Args:
        part: a row a figure, a column a user.
        kinds: each user's.
    """
    within, users = part.copy(), len(kinds)
    for kind, count in Counter(kinds).items():
        mine = np.array([each == kind for each in kinds])
        if count > 1:
            # errors are worked out with users / (users - 1) where a kind has its own number
            size = np.sqrt(count / (count - 1) * (users - 1) / users)
            within[:, mine] = (part[:, mine] - part[:, mine].mean(axis=1, keepdims=True)) * size
    return within
