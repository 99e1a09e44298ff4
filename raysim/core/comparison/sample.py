"""What a run measured, as arrays: the requests that count, each with its user, its moment and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Token gaps: `values` in seconds, each counting `weights` times, of the request with that index."""

    values: Floats
    weights: Floats
    request: Indices

    def only(self, part: Flags) -> Gaps:
        """The gaps of the requests of `part`, renumbered."""
        kept = part[self.request]
        return Gaps(self.values[kept], self.weights[kept], (np.cumsum(part) - 1)[self.request[kept]])


@dataclass(frozen=True, slots=True)
class RunSample:
    """The requests of a run that were due in phases that count, in the order in which they were due.

    Args:
        over_s: how long these phases lasted together.
        at_s: when each request was due, in seconds of these phases put end to end.
        user: index into `users` of who sent it.
        users: the users' names.
        values: quantity (`ttft`, `latency`, …) → its value for each request, NaN where there is none.
        success: answered well.
        failed: ended in an error; what is neither was refused or cancelled.
        tokens: prompt and completion tokens.
        completion_tokens: of those, generated.
        cost_usd: price of the tokens.
        flagged: measured while the generator was late.
        gaps: token gaps of the streamed successes.
        good: within the scenario's objectives; None where it has none.
        kinds: what each user is, such as the models that it asks; empty when nobody knows.
    """

    over_s: float
    at_s: Floats
    user: Indices
    users: tuple[str, ...]
    values: Mapping[str, Floats]
    success: Flags
    failed: Flags
    tokens: Floats
    completion_tokens: Floats
    cost_usd: Floats
    flagged: Flags
    gaps: Gaps
    good: Flags | None = None
    kinds: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many requests there are."""
        return int(self.at_s.size)

    def only(self, part: Flags) -> RunSample:
        """The same run with the requests of `part` alone."""
        names = ("at_s", "user", "success", "failed", "tokens", "completion_tokens", "cost_usd", "flagged")
        return replace(
            self,
            **{name: getattr(self, name)[part] for name in names},
            values={name: values[part] for name, values in self.values.items()},
            gaps=self.gaps.only(part),
            good=None if self.good is None else self.good[part],
        )
