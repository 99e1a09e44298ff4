from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.goals.condition import parse_condition
from raysim.core.goals.figure import FIGURES, Unit
from raysim.core.units import format_duration


@pytest.mark.parametrize(
    ("text", "figure", "comparison", "limit"),
    [
        ("ttft_p95 < 800ms", "ttft_p95", "<", 0.8),
        ("  latency_mean<=1m30s ", "latency_mean", "<=", 90.0),
        ("error_rate < 1%", "error_rate", "<", 0.01),
        ("error_rate <= 0", "error_rate", "<=", 0.0),
        ("goodput >= 0.95", "goodput", ">=", 0.95),
        ("goodput_tokens >= 100 %", "goodput_tokens", ">=", 1.0),
        ("tps_mean > 40", "tps_mean", ">", 40.0),
        ("requests_per_s >= 12.5 /s", "requests_per_s", ">=", 12.5),
        ("cost_usd <= $5", "cost_usd", "<=", 5.0),
        ("requests >= 1000", "requests", ">=", 1000.0),
    ],
)
def test_a_condition_is_read_in_the_figures_unit(text: str, figure: str, comparison: str, limit: float) -> None:
    condition = parse_condition(text)
    assert (condition.figure.name, condition.comparison, condition.limit) == (figure, comparison, limit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ttft_p95", "expected a figure, a comparison and a value, such as ttft_p95 < 800ms"),
        ("", "expected a figure, a comparison and a value"),
        ("< 800ms", "expected a figure, a comparison and a value"),
        ("ttft_p95 < 800", "found '800' without a unit; write 800ms for milliseconds or 800s for seconds"),
        ("ttft_p95 < fast", "ttft_p95: found 'fast'; expected a duration"),
        ("ttft_p95 <", "ttft_p95: the value is missing"),
        ("ttft < 1s", "ttft needs a statistic, one of mean, p50"),
        ("ttft_p97 < 1s", "did you mean ttft_p99?"),
        ("TTFT_P95 < 1s", "did you mean ttft_p95?"),
        ("erorr_rate < 1%", "did you mean error_rate?"),
        ("beauty > 3", "known are ttft, itl"),
        ("error_rate == 0", "found '==' in 'error_rate == 0'; compare with <, <=, > or >="),
        ("error_rate < 5", "a share is at most 100%, which is 1; write 5% for percent"),
        ("error_rate < 500%", "a share is at most 100%, which is 1"),
        ("error_rate < -1%", "expected a share such as 1% or 0.01"),
        ("error_rate < 0%", "can never hold: error_rate is not negative; write error_rate <= 0%"),
        ("goodput > 100%", "can never hold: goodput is at most 100%; write goodput >= 100%"),
        ("cost_usd <= 5 EUR", "cost_usd: found '5 EUR'; expected an amount in USD"),
        ("tps_mean > nan", "expected a number per second"),
        ("requests >= 1e3", "expected a number such as 1000"),
    ],
)
def test_what_is_no_condition_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared below
        parse_condition(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [("<", True, False, False), ("<=", True, True, False), (">", False, False, True), (">=", False, True, True)],
)
def test_comparisons(comparison: str, below: bool, equal: bool, above: bool) -> None:
    condition = parse_condition(f"tps_mean {comparison} 40")
    assert [condition.holds(value) for value in (39.9, 40.0, 40.1)] == [below, equal, above]


def test_rounding_is_no_difference() -> None:
    at_most = parse_condition("latency_p50 <= 210ms")
    # nanoseconds as seconds: 0.21000000000000002
    value = 210_000_000 * 1e-9
    assert value != at_most.limit
    assert at_most.holds(value)
    assert not parse_condition("latency_p50 < 210ms").holds(value)
    assert not at_most.holds(0.210000001)


@given(st.sampled_from(sorted(FIGURES)), st.sampled_from(["<=", ">="]), st.integers(0, 10**9))
def test_every_figure_takes_its_own_unit(name: str, comparison: str, number: int) -> None:
    unit = FIGURES[name].unit
    written, limit = {
        Unit.SECONDS: (format_duration(number / 1000), number / 1000),
        Unit.SHARE: (f"{number / 10**7:.7f}%", round(number / 10**7, 7) / 100),
    }.get(unit, (str(number), float(number)))
    assert parse_condition(f"{name}{comparison}{written}").limit == pytest.approx(limit)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        limit = parse_condition(text).limit
    except ValueError:
        return
    assert limit >= 0
