from __future__ import annotations

import numpy as np
import pytest

from raysim.core.metrics import uniqueness
from raysim.core.metrics.uniqueness import Uniqueness


def test_different_ones_are_counted_however_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniqueness, "_WAITING", 10)
    hashes = np.random.default_rng(1).integers(0, 300, 1000).astype(np.uint64)
    found = Uniqueness()
    for part in np.array_split(hashes, 37):
        found.add(part)
    assert found.asked == 1000
    assert found.ratio == len(set(hashes.tolist())) / 1000


def test_not_known_before_the_first_and_after_too_many() -> None:
    found = Uniqueness(most=3)
    assert found.ratio is None
    found.add(np.array([1, 2, 2], dtype=np.uint64))
    assert found.ratio == pytest.approx(2 / 3)
    found.add(np.array([3, 4], dtype=np.uint64))
    assert found.ratio is None
    found.add(np.array([5], dtype=np.uint64))
    assert (found.asked, found.ratio) == (6, None)
