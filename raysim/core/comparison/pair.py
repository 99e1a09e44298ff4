"""Two runs held against each other: everything that is to be said of them, ready to be shown or judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from raysim.core.comparison.change import MISS, Change, Matching, Verdict, compare
from raysim.core.comparison.differences import Difference
from raysim.core.comparison.metric import HEADLINE, Metric
from raysim.core.comparison.rule import Outcome, Rule, RuleVerdict, judge_rule
from raysim.core.comparison.sample import Flags, RunSample


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """The changes of the requests of one model or tenant: `column` is `model` or `org`."""

    column: str
    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against its baseline.

    `incomparable` has the reasons for which nothing can be said: there are figures then, but no verdicts and no rules.
    """

    baseline: str
    run: str
    scenario: str
    incomparable: tuple[str, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    requests: tuple[int, int]
    changes: tuple[Change, ...]
    groups: tuple[GroupChanges, ...] = ()
    rules: tuple[RuleVerdict, ...] = ()

    def of(self, verdict: Verdict) -> tuple[Change, ...]:
        """The changes of all requests with that verdict."""
        return tuple(change for change in self.changes if change.verdict is verdict)

    def fails(self, *, strict: bool) -> bool:
        """Whether a rule is broken, or, when `strict`, not known to hold."""
        bad = {Outcome.BROKEN, Outcome.UNDECIDED} if strict else {Outcome.BROKEN}
        return any(rule.outcome in bad for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Group:
    """The requests of one model or tenant, in the baseline and in the run."""

    column: str
    name: str
    parts: tuple[Flags, Flags]


def changes_of(
    samples: tuple[RunSample, RunSample], metrics: Sequence[Metric], matching: Matching, miss: float = MISS
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes, and the names of figures whose verdict was withdrawn.

    A verdict that does not stand without the requests that were measured while the generator was late is none.
    """
    changes = compare(*samples, metrics, matching, miss)
    if not any(sample.flagged.any() for sample in samples):
        return changes, ()
    clean = compare(samples[0].only(~samples[0].flagged), samples[1].only(~samples[1].flagged), metrics, matching, miss)
    verdicts = {change.metric.name: change.verdict for change in clean}
    withdrawn = [c.metric.name for c in changes if c.verdict is not verdicts.get(c.metric.name, Verdict.NO_EVIDENCE)]
    kept = (
        replace(change, verdict=Verdict.NO_EVIDENCE) if change.metric.name in withdrawn else change
        for change in changes
    )
    return tuple(kept), tuple(name for name in withdrawn if name)


def group_changes(
    samples: tuple[RunSample, RunSample], groups: Sequence[Group], matching: Matching, miss: float = MISS
) -> tuple[GroupChanges, ...]:
    """The headline's figures of each group; the error that is allowed is shared among the groups (Bonferroni)."""
    return tuple(
        GroupChanges(
            group.column,
            group.name,
            compare(
                samples[0].only(group.parts[0]),
                samples[1].only(group.parts[1]),
                HEADLINE,
                matching,
                miss / len(groups),
            ),
        )
        for group in groups
    )


def judge_rules(
    samples: tuple[RunSample, RunSample],
    rules: Sequence[Rule],
    groups: Sequence[Group],
    matching: Matching,
    miss: float = MISS,
) -> tuple[RuleVerdict, ...]:
    """Hold the rules against two runs, in their order.

    The figures of the rules are a family of their own: who names beforehand what matters need not allow for the rest.
    Rules about different groups share the error that is allowed. Rules about a group or a figure that the baseline does
    not have are left out.
    """
    wanted = {(group.column, group.name): group.parts for group in groups}
    scopes = list(dict.fromkeys((rule.column, rule.name) for rule in rules))
    found: dict[Rule, Change] = {}
    for scope in scopes:
        mine = [rule for rule in rules if (rule.column, rule.name) == scope]
        parts = samples
        if scope[0]:
            if scope not in wanted:
                continue
            parts = samples[0].only(wanted[scope][0]), samples[1].only(wanted[scope][1])
        metrics = list(dict.fromkeys(rule.metric for rule in mine))
        changes, _ = changes_of(parts, metrics, matching, miss / len(scopes))
        named = {change.metric: change for change in changes}
        found |= {rule: named[rule.metric] for rule in mine if rule.metric in named}
    return tuple(judge_rule(rule, found[rule]) for rule in rules if rule in found and found[rule].baseline is not None)
