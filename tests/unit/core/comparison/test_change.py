from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysim.core.comparison.change import Change, Matching, Verdict, compare
from raysim.core.comparison.metric import HEADLINE, METRICS
from raysim.core.comparison.sample import RunSample
from tests.unit.core.comparison.made_sample import made_sample

APART = Matching(time=False, users=False)
OPPOSITE = {
    Verdict.BETTER: Verdict.WORSE,
    Verdict.WORSE: Verdict.BETTER,
    Verdict.NO_EVIDENCE: Verdict.NO_EVIDENCE,
}


def changes(baseline: RunSample, run: RunSample, matching: Matching = APART) -> dict[str, Change]:
    return {change.metric.name: change for change in compare(baseline, run, HEADLINE, matching)}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(120, 900), st.booleans())
def test_a_run_is_no_different_from_itself(seed: int, count: int, matched: bool) -> None:
    run = made_sample(seed, count)
    for change in changes(run, run, Matching(matched, matched)).values():
        assert change.verdict is Verdict.NO_EVIDENCE
        assert change.difference == 0.0
        assert change.effect in {None, 0.0}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.7, 1.4), st.floats(0.0, 0.2))
def test_swapping_the_runs_turns_every_verdict_round(seed: int, slower: float, failing: float) -> None:
    one, other = made_sample(seed), made_sample(seed + 1, slower=slower, failing=failing)
    there, back = changes(one, other), changes(other, one)
    assert {name: OPPOSITE[change.verdict] for name, change in there.items()} == {
        name: change.verdict for name, change in back.items()
    }
    for name, change in there.items():
        if change.sure is not None and np.isfinite(change.sure).all() and change.sure[0] > -1:
            other_way = back[name].sure
            assert other_way is not None
            assert (1 + change.sure[0]) * (1 + other_way[1]) == pytest.approx(1.0)


def test_what_is_slower_is_worse_and_by_how_much_lies_in_the_interval() -> None:
    found = changes(made_sample(1), made_sample(2, slower=1.15))
    for name in ("ttft_mean", "ttft_p50"):
        change = found[name]
        assert change.verdict is Verdict.WORSE
        assert change.sure is not None
        assert change.ci95 is not None
        assert change.sure[0] < change.ci95[0] < 0.15 < change.ci95[1] < change.sure[1]
        assert change.effect == pytest.approx(0.26, abs=0.06)  # 2Φ(ln 1.15 / (0.3 √2)) - 1
    assert found["itl_p50"].verdict is Verdict.NO_EVIDENCE
    assert found["error_rate"].verdict is Verdict.NO_EVIDENCE


def test_more_tokens_a_second_are_better_and_more_errors_worse() -> None:
    found = changes(made_sample(1), made_sample(2, slower=0.7, failing=0.1))
    assert found["tps_mean"].verdict is Verdict.BETTER
    assert found["latency_p50"].verdict is Verdict.BETTER
    assert found["error_rate"].verdict is Verdict.WORSE
    assert found["error_rate"].relative is None
    assert found["error_rate"].difference == pytest.approx(0.08, abs=0.03)


def test_no_errors_in_either_are_known_as_well_as_their_number_allows() -> None:
    change = changes(made_sample(1, failing=0.0), made_sample(2, failing=0.0))["error_rate"]
    assert change.verdict is Verdict.NO_EVIDENCE
    assert change.sure_difference is not None
    low, high = change.sure_difference
    assert low == pytest.approx(-high)
    assert 0.005 < high < 0.03  # the rule of three says 3/800 for one share at 95 %


def test_too_few_requests_give_figures_and_no_intervals() -> None:
    change = changes(made_sample(1, 90), made_sample(2, 800))["ttft_p50"]
    assert change.baseline is not None
    assert change.relative is not None
    assert change.verdict is Verdict.NO_EVIDENCE
    assert (change.sure, change.ci95, change.detectable, change.needed) == (None, None, None, None)


def test_a_tail_with_next_to_nothing_in_it_has_an_open_interval_and_says_what_it_would_take() -> None:
    change = changes(made_sample(1, 200), made_sample(2, 200))["ttft_p99"]
    assert change.sure is not None
    assert change.sure[1] == np.inf
    assert change.detectable is None
    assert change.needed is not None
    assert change.needed > 1000


def test_more_requests_find_smaller_changes_as_the_estimate_said() -> None:
    few = changes(made_sample(1, 800), made_sample(2, 800))["ttft_mean"]
    many = changes(made_sample(3, 3200), made_sample(4, 3200))["ttft_mean"]
    assert few.detectable is not None
    assert many.detectable is not None
    assert many.detectable == pytest.approx(few.detectable / 2, rel=0.35)


def test_users_that_differ_lend_no_certainty_unless_they_are_the_same_users() -> None:
    def with_users(seed: int, factors: np.ndarray) -> RunSample:
        run = made_sample(seed)
        return replace(run, values={name: v * factors[run.user] for name, v in run.values.items()})

    slow_half = np.where(np.arange(12) < 6, 3.0, 1.0)
    most_slow = np.where(np.arange(12) < 8, 3.0, 1.0)
    apart = changes(with_users(1, slow_half), with_users(2, most_slow))["ttft_mean"]
    assert apart.verdict is Verdict.NO_EVIDENCE
    same = changes(with_users(1, slow_half), with_users(2, slow_half), Matching(time=False, users=True))["ttft_mean"]
    assert apart.detectable is not None
    assert same.detectable is not None
    assert same.detectable < apart.detectable / 2


def test_waves_in_time_are_no_evidence() -> None:
    def wavy(seed: int, phase: float) -> RunSample:
        run = made_sample(seed)
        wave = np.exp(0.25 * np.sin(run.at_s / 100 * 2 * np.pi * 1.5 + phase))
        return replace(run, values={name: v * wave for name, v in run.values.items()})

    change = changes(wavy(1, 0.0), wavy(2, np.pi))["ttft_mean"]
    assert abs(change.relative or 0) > 0.05
    assert change.verdict is Verdict.NO_EVIDENCE


def test_a_slope_that_both_runs_have_is_no_uncertainty_when_moments_are_matched() -> None:
    def sloping(seed: int, slower: float = 1.0) -> RunSample:
        run = made_sample(seed, slower=slower)
        return replace(run, values={name: v * (1 + run.at_s / 25) for name, v in run.values.items()})

    apart = changes(sloping(1), sloping(2, 1.15))["ttft_mean"]
    matched = changes(sloping(1), sloping(2, 1.15), Matching(time=True, users=False))["ttft_mean"]
    assert apart.verdict is Verdict.NO_EVIDENCE
    assert matched.verdict is Verdict.WORSE


def test_a_figure_that_only_one_run_has_is_shown_without_a_verdict() -> None:
    run = made_sample(1)
    silent = replace(run, values={**run.values, "ttft": np.full(run.size, np.nan)})
    found = changes(run, silent)["ttft_p95"]
    assert (found.run, found.verdict) == (None, Verdict.NO_EVIDENCE)
    assert found.baseline is not None
    assert "queue_p95" not in changes(run, run)


def test_rates_are_by_the_runs_time() -> None:
    run = made_sample(1)
    (change,) = compare(run, run, [METRICS["requests_per_s"]], APART)
    assert change.baseline == pytest.approx(run.success.sum() / 100.0)
