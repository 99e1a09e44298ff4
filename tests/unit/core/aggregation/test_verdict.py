from __future__ import annotations

import pytest

from raysim.core.aggregation.verdict import chance_of, judge_generator
from raysim.core.control.messages import PackHealth


@pytest.mark.parametrize(
    ("flagged", "verdict"),
    [(0, "ok"), (10, "ok"), (11, "suspect"), (50, "suspect"), (51, "invalid"), (1000, "invalid")],
)
def test_the_verdict_follows_the_flagged_share(flagged: int, verdict: str) -> None:
    judged = judge_generator(1000, flagged)
    assert judged.verdict == verdict
    assert judged.flagged_share == flagged / 1000
    assert bool(judged.reasons) == (verdict != "ok")


def test_nothing_measured_is_no_reason_for_doubt() -> None:
    judged = judge_generator(0, 0)
    assert (judged.verdict, judged.flagged_share, judged.reasons) == ("ok", None, ())


def test_the_reason_names_the_worst_actor() -> None:
    packs = [PackHealth("pack/1", "a", 3.0, 0.2, 90.0), PackHealth("pack/2", "b", 41.0, 0.99, 90.0)]
    (reason,) = judge_generator(200, 20, packs).reasons
    assert "20 of 200 requests (10.0%, invalid above 5%)" in reason
    assert "pack/2: loop lag p99 41.0 ms, CPU 99%" in reason


@pytest.mark.parametrize(
    ("flagged", "measured", "verdict"),
    [
        (1, 18, "suspect"),
        (1, 6, "suspect"),
        (1, 5, "invalid"),
        (2, 18, "invalid"),
        (2, 39, "suspect"),
        (4, 70, "invalid"),
    ],
)
def test_few_flags_void_nothing_while_chance_could_have_set_them(flagged: int, measured: int, verdict: str) -> None:
    judged = judge_generator(measured, flagged)
    assert judged.verdict == verdict
    assert ("too few requests" in judged.reasons[0]) is (verdict == "suspect")


def test_chance_is_the_tail_of_the_binomial_distribution() -> None:
    assert chance_of(1, 18) == pytest.approx(1 - 0.99**18)
    assert chance_of(2, 18) == pytest.approx(1 - 0.99**18 - 18 * 0.01 * 0.99**17)
    assert chance_of(0, 18) == 1.0
