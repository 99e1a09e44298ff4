from __future__ import annotations

from dataclasses import replace

import numpy as np

from raysim.core.comparison.change import Matching, Verdict
from raysim.core.comparison.differences import Difference, differences
from raysim.core.comparison.metric import HEADLINE, METRICS
from raysim.core.comparison.pair import Group, changes_of, group_changes, judge_rules
from raysim.core.comparison.rule import Outcome, parse_rule
from raysim.core.comparison.sample import RunSample
from tests.unit.core.comparison.made_sample import made_sample

APART = Matching(time=False, users=False)


def test_a_verdict_that_rests_on_late_measurements_is_withdrawn() -> None:
    run = made_sample(2, flagged=0.15)
    late = np.where(run.flagged, 3.0, 1.0)
    spoilt = replace(run, values={name: values * late for name, values in run.values.items()})
    changes, withdrawn = changes_of((made_sample(1), spoilt), HEADLINE, APART)
    assert "ttft_mean" in withdrawn
    assert all(change.verdict is Verdict.NO_EVIDENCE for change in changes)


def test_a_verdict_that_stands_without_late_measurements_stands() -> None:
    samples = made_sample(1, flagged=0.02), made_sample(2, slower=1.3, flagged=0.02)
    changes, withdrawn = changes_of(samples, [METRICS["ttft_mean"]], APART)
    assert (changes[0].verdict, withdrawn) == (Verdict.WORSE, ())


def halves(run: RunSample) -> np.ndarray:
    return np.array([number % 2 == 0 for number in range(run.size)])


def test_groups_are_looked_at_apart() -> None:
    one, other = made_sample(1, 1600), made_sample(2, 1600)
    slow = np.where(halves(other), 1.0, 1.4)
    other = replace(other, values={name: values * slow for name, values in other.values.items()})
    groups = [
        Group("model", "a", (halves(one), halves(other))),
        Group("model", "b", (~halves(one), ~halves(other))),
    ]
    found = {group.name: group.changes[0].verdict for group in group_changes((one, other), groups, APART)}
    assert found == {"a": Verdict.NO_EVIDENCE, "b": Verdict.WORSE}
    rules = [parse_rule(f"ttft_mean[model={name}]>+10%") for name in "abc"]
    outcomes = {v.rule.name: v.outcome for v in judge_rules((one, other), rules, groups, APART)}
    assert outcomes["b"] is Outcome.BROKEN
    assert outcomes["a"] is not Outcome.BROKEN
    assert "c" not in outcomes  # there is no such model


def test_fewer_rules_ask_for_less_evidence_than_the_whole_headline() -> None:
    samples = made_sample(1), made_sample(2)
    (verdict,) = judge_rules(samples, [parse_rule("ttft_p50>+10%")], [], APART)
    whole = {change.metric.name: change for change in changes_of(samples, HEADLINE, APART)[0]}["ttft_p50"]
    assert verdict.change.sure == whole.ci95
    assert verdict.change.sure is not None
    assert whole.sure is not None
    assert whole.sure[0] < verdict.change.sure[0] < verdict.change.sure[1] < whole.sure[1]


def test_scenarios_differ_where_their_leaves_do() -> None:
    one = {"metadata": {"testRunId": "a"}, "spec": {"limits": {"maxCostUsd": 5}, "phases": [{"name": "x", "users": 1}]}}
    other = {"metadata": {"testRunId": "b"}, "spec": {"limits": {}, "phases": [{"name": "x", "users": 2}], "more": [1]}}
    assert differences(one, other) == (
        Difference("limits.maxCostUsd", 5, None),
        Difference("phases[x].users", 1, 2),
        Difference("more", None, [1]),
    )
    assert differences(one, one) == ()
