from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from raysim.core.records.outcome import ErrorKind
from raysim.preflight.clock import judge_node_clocks, judge_platform_clock, platform_offset
from raysim.preflight.page import Page, Request
from tests.component.preflight.said import NOW_S, ORGS, said, silent


def dated(ahead_s: float, *, took_s: float = 0.2, base: str = ORGS) -> Page:
    """An answer of a server whose clock is ahead of ours."""
    date = format_datetime(datetime.fromtimestamp(int(NOW_S + took_s / 2 + ahead_s), UTC), usegmt=True)
    return said(200, request=Request(base, "/page"), took_s=took_s, date=date)


@pytest.mark.parametrize("ahead_s", [-90.0, -2.6, -0.3, 0.0, 0.7, 2.4, 3600.0])
def test_the_true_offset_is_within_the_stated_error(ahead_s: float) -> None:
    offset = platform_offset(dated(ahead_s))
    assert offset is not None
    assert offset.error_s == pytest.approx(0.6)
    assert abs(offset.ahead_s - ahead_s) <= offset.error_s


@pytest.mark.parametrize(
    ("ahead_s", "warns"), [(0.0, False), (1.4, False), (-1.4, False), (5.0, True), (-5.0, True), (900.0, True)]
)
def test_a_clock_that_is_off_is_a_warning(ahead_s: float, warns: bool) -> None:
    check = judge_platform_clock([dated(ahead_s)])
    assert (check.verdict, check.warns) == ("passed", warns)


def test_a_slow_answer_proves_nothing() -> None:
    assert not judge_platform_clock([dated(4.0, took_s=8.0)]).warns


def test_the_quickest_answer_of_each_service_counts_and_the_worst_service_is_named() -> None:
    pages = [dated(60.0, took_s=4.0), dated(60.0), dated(0.0, base="http://other.test")]
    assert judge_platform_clock(pages).found == f"{ORGS} is 60 s ahead of us"
    assert judge_platform_clock([dated(-60.0)]).found == f"{ORGS} is 60 s behind us"


@pytest.mark.parametrize("page", [said(200), said(200, date="yesterday"), silent(ErrorKind.TLS)])
def test_without_a_date_nothing_is_known(page: Page) -> None:
    check = judge_platform_clock([page])
    assert (check.verdict, check.found) == ("skipped", "no answer carries a Date")


def test_nodes_clocks() -> None:
    assert judge_node_clocks({"n1": 0.1, "n2": -0.4}, 0.5).found == "within 0.9 s of ours"
    check = judge_node_clocks({"n1": 0.1, "n2": -7.4, "n3": None}, 0.5)
    assert (check.warns, check.found) == (True, "n2 is 7 s behind us")
    assert judge_node_clocks({"n1": None}, 0.5).verdict == "skipped"
