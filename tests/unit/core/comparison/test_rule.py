from __future__ import annotations

import pytest

from raysim.core.comparison.change import Change
from raysim.core.comparison.metric import METRICS
from raysim.core.comparison.rule import Outcome, judge_rule, parse_rule


@pytest.mark.parametrize(
    ("text", "amount", "relative", "scope"),
    [
        ("ttft_p99>+10%", 0.10, True, ("", "")),
        (" ttft_p99 > +10 % ", 0.10, True, ("", "")),
        ("output_tokens_per_s<-5%", -0.05, True, ("", "")),
        ("latency_p95>+50ms", 0.05, False, ("", "")),
        ("itl_p50>+500us", 0.0005, False, ("", "")),
        ("error_rate>+1pp", 0.01, False, ("", "")),
        ("goodput<-0.5pp", -0.005, False, ("", "")),
        ("tps_mean<-2/s", -2.0, False, ("", "")),
        ("usd_per_million_tokens>+$0.5", 0.5, False, ("", "")),
        ("ttft_p50[model=gpt-4o]>+10%", 0.10, True, ("model", "gpt-4o")),
        ("ttft_p50[ org = org-2 ]>+10%", 0.10, True, ("org", "org-2")),
    ],
)
def test_rules_are_read(text: str, amount: float, relative: bool, scope: tuple[str, str]) -> None:
    rule = parse_rule(text)
    assert rule.amount == pytest.approx(amount)
    assert (rule.relative, (rule.column, rule.name)) == (relative, scope)
    assert rule.metric.name in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ttft_p99", "a rule is METRIC>+CHANGE"),
        ("ttft_p99>=+10%", "a rule is METRIC>+CHANGE"),
        ("tfft_p99>+10%", "did you mean ttft_p99?"),
        ("ttft>+10%", "no figure is called 'ttft'"),
        ("ttft_p99>10%", "'>' goes with '+' and '<' with '-', such as ttft_p99>+10%"),
        ("ttft_p99>-10%", "'>' goes with '+'"),
        ("tps_mean<5%", "such as tps_mean<-5%"),
        ("error_rate>+1%", "changes of error_rate are percentage points, such as 1pp"),
        ("ttft_p99>+10", "changes of ttft_p99 are 10% or 10s, 10ms, 10us"),
        ("usd_per_million_tokens>+1s", "are 1% or $1"),
        ("ttft_p99<-100%", "nothing can fall by 100% or more"),
        ("ttft_p99[user=1]>+10%", "can be taken of a model or an org, not of a user"),
    ],
)
def test_what_is_no_rule_is_answered_with_what_would_be(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_rule(text)
    assert said in str(caught.value)


def changed(value: float, low: float, high: float) -> Change:
    return Change(
        METRICS["ttft_p99"], 1.0, 1.0 + value, (900, 900), 900,
        relative=value, difference=value, sure=(low, high), sure_difference=(low, high), detectable=0.2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "change", "outcome"),
    [
        ("ttft_p99>+10%", changed(0.15, 0.05, 0.25), Outcome.BROKEN),
        ("ttft_p99>+10%", changed(0.15, -0.01, 0.30), Outcome.UNDECIDED),  # beyond, but perhaps by chance
        ("ttft_p99>+10%", changed(0.08, 0.02, 0.15), Outcome.UNDECIDED),  # a change, but perhaps a smaller one
        ("ttft_p99>+10%", changed(0.05, 0.01, 0.09), Outcome.HELD),
        ("ttft_p99>+10%", changed(-0.30, -0.40, -0.20), Outcome.HELD),
        ("ttft_p99<-10%", changed(-0.30, -0.40, -0.20), Outcome.BROKEN),
        ("ttft_p99<-10%", changed(0.30, 0.20, 0.40), Outcome.HELD),
        ("ttft_p99>+100ms", changed(0.15, 0.05, 0.25), Outcome.BROKEN),
        ("ttft_p99>+300ms", changed(0.15, 0.05, 0.25), Outcome.HELD),
    ],
)
def test_a_rule_is_broken_by_what_is_beyond_it_and_beyond_chance(text: str, change: Change, outcome: Outcome) -> None:
    assert judge_rule(parse_rule(text), change).outcome is outcome


def test_an_undecided_rule_says_how_many_requests_would_tell() -> None:
    verdict = judge_rule(parse_rule("ttft_p99>+20%"), changed(0.1, -0.05, 0.25))
    assert verdict.needed == 900  # 20 % is just what 900 can find
    assert judge_rule(parse_rule("ttft_p99>+200ms"), changed(0.1, -0.05, 0.25)).needed == 900


def test_no_answers_of_that_kind_break_a_rule() -> None:
    gone = Change(METRICS["ttft_p99"], 1.0, None, (900, 0))
    assert judge_rule(parse_rule("ttft_p99>+10%"), gone).outcome is Outcome.BROKEN


def test_without_an_interval_nothing_is_decided() -> None:
    few = Change(METRICS["ttft_p99"], 1.0, 2.0, (9, 9), 9, relative=1.0, difference=1.0)
    assert judge_rule(parse_rule("ttft_p99>+10%"), few).outcome is Outcome.UNDECIDED
