from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from raysim.core.control.limits import LimitWatch, TimeLimit
from raysim.core.control.messages import Totals
from raysim.core.plan.run_plan import LimitPlan

NO_LIMITS = LimitPlan(
    max_cost_usd=None,
    max_error_rate=None,
    error_window_s=30.0,
    min_requests=50,
    count_refusals=False,
    max_duration_s=None,
    max_requests_per_user=None,
    lease_s=15.0,
    drain_s=30.0,
)
ERRORS = replace(NO_LIMITS, max_error_rate=0.1)


def totals(success: int = 0, error: int = 0, refused: int = 0, cancelled: int = 0, cost_usd: float = 0.0) -> Totals:
    return Totals(success + error + refused + cancelled, success, error, refused, cancelled, cost_usd)


def judged(limits: LimitPlan, *events: tuple[float, Totals]) -> list[str | None]:
    """The limit that each event reached."""
    watch = LimitWatch(limits)
    return [breach.limit if breach else None for breach in (watch.judge(*event) for event in events)]


@pytest.mark.parametrize(
    ("limits", "events", "expected"),
    [
        # no limit stops nothing
        (NO_LIMITS, [(0.0, totals()), (1e6, totals(error=10**6, cost_usd=1e6))], [None, None]),
        # money: reaching the limit is enough
        (
            replace(NO_LIMITS, max_cost_usd=1.0),
            [(1.0, totals(cost_usd=0.99)), (2.0, totals(cost_usd=1.0)), (3.0, totals(cost_usd=1.5))],
            [None, "cost", "cost"],
        ),
        (replace(NO_LIMITS, max_cost_usd=0.0), [(0.0, totals())], ["cost"]),
        # money is named before errors
        (
            replace(ERRORS, max_cost_usd=1.0),
            [(5.0, totals(error=100, cost_usd=2.0)), (5.0, totals(error=100))],
            ["cost", "errors"],
        ),
        # errors: more than the rate, not as many
        (ERRORS, [(1.0, totals(90, 10))], [None]),
        (ERRORS, [(1.0, totals(89, 11))], ["errors"]),
        (replace(ERRORS, max_error_rate=0.0), [(1.0, totals(99, 0)), (2.0, totals(99, 1))], [None, "errors"]),
        # too few requests say nothing
        (ERRORS, [(1.0, totals(0, 49)), (2.0, totals(0, 50))], [None, "errors"]),
        (replace(ERRORS, min_requests=1), [(1.0, totals(0, 0)), (2.0, totals(0, 1))], [None, "errors"]),
        # refusals and cancelled requests are no errors …
        (ERRORS, [(1.0, totals(100, 5, refused=400, cancelled=400))], [None]),
        (ERRORS, [(1.0, totals(40, 9, refused=400, cancelled=400))], [None]),
        # … unless refusals are to count
        (replace(ERRORS, count_refusals=True), [(1.0, totals(100, 5, refused=400))], ["errors"]),
        # only the window counts: old errors are forgotten, old successes do not dilute
        (ERRORS, [(1.0, totals(1000, 90)), (32.0, totals(1060, 90))], [None, None]),
        (ERRORS, [(1.0, totals(10_000)), (31.0, totals(10_000)), (40.0, totals(10_080, 20))], [None, None, "errors"]),
        (ERRORS, [(1.0, totals(10_000)), (20.0, totals(10_080, 20))], [None, None]),
        # few requests in the window, though many in all
        (ERRORS, [(1.0, totals(10_000)), (31.0, totals(10_000)), (40.0, totals(10_000, 49))], [None, None, None]),
    ],
)
def test_a_limit_is_reached_when_the_table_says_so(
    limits: LimitPlan, events: list[tuple[float, Totals]], expected: list[str | None]
) -> None:
    assert judged(limits, *events) == expected


def test_errors_of_the_window_alone_make_the_rate() -> None:
    watch = LimitWatch(ERRORS)
    assert watch.error_rate() is None
    watch.judge(1.0, totals(100, 0))
    assert watch.error_rate() == 0.0
    watch.judge(10.0, totals(100, 10))
    assert watch.error_rate() == pytest.approx(10 / 110)
    watch.judge(39.0, totals(130, 20))
    # since second 1: 30 successes and 20 errors
    assert watch.error_rate() == pytest.approx(20 / 50)
    watch.judge(60.0, totals(130, 20))
    watch.judge(100.0, totals(130, 20))
    assert watch.error_rate() is None


@pytest.mark.parametrize(
    ("limits", "event", "words"),
    [
        ({"max_cost_usd": 5.0}, (1.0, totals(cost_usd=5.1234)), "spent $5.1234 of $5"),
        (
            {"max_error_rate": 0.1},
            (9.0, totals(75, 25)),
            "25.0% of 100 requests failed within 30s; at most 10.0%",
        ),
    ],
)
def test_a_breach_says_what_was_found_and_what_was_allowed(
    limits: dict[str, Any], event: tuple[float, Totals], words: str
) -> None:
    breach = LimitWatch(replace(NO_LIMITS, **limits)).judge(*event)
    assert breach is not None
    assert breach.message == words


@pytest.mark.parametrize(
    ("max_duration_s", "drain_s", "schedule_s", "stops_at"),
    [
        # room is left for what is in flight, a tenth of the time at most
        (300.0, 30.0, 301.0, 270.0),
        (300.0, 10.0, 301.0, 290.0),
        (60.0, 30.0, 3_600.0, 54.0),
        # phases that fit are played to their end
        (300.0, 30.0, 300.0, None),
        (300.0, 30.0, 299.0, None),
        (None, 30.0, 1e9, None),
    ],
)
def test_the_last_request_has_ended_when_the_run_has_lasted_as_long_as_it_may(
    max_duration_s: float | None, drain_s: float, schedule_s: float, stops_at: float | None
) -> None:
    time = TimeLimit(replace(NO_LIMITS, max_duration_s=max_duration_s, drain_s=drain_s), schedule_s)
    if stops_at is None:
        assert time.judge(1e8) is None
    else:
        assert time.judge(stops_at - 0.01) is None
        breach = time.judge(stops_at)
        assert breach is not None
        assert breach.limit == "duration"
    assert time.left_s(100.0) == (math.inf if max_duration_s is None else max(0.0, max_duration_s - 100.0))


def test_a_breach_of_time_says_what_it_was_for() -> None:
    breach = TimeLimit(replace(NO_LIMITS, max_duration_s=90.0), 100.0).judge(81.0)
    assert breach is not None
    assert breach.message == "the run may last 1m30s, the last 9s of it for requests in flight"


def test_memory_is_bounded_by_the_window() -> None:
    watch = LimitWatch(ERRORS)
    for tick in range(20_000):
        watch.judge(tick * 0.25, totals(tick))
    assert len(watch._history) <= 30 / 0.25 + 2


def test_totals_of_packs_add_up() -> None:
    first = Totals(10, 5, 2, 2, 1, 0.5, 100, 200)
    second = Totals(1, 1, 0, 0, 0, 0.25, 10, 20)
    assert first + second == Totals(11, 6, 2, 2, 1, 0.75, 110, 220)
    assert first + Totals() == first
