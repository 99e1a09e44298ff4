"""Runs read from their files, to be compared: arrays of what was measured, and what is to be said beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from raysim.core.comparison.change import (
    FEWEST_BLOCKS,
    FEWEST_IN_A_BLOCK,
    FEWEST_USERS,
    MISS,
    Change,
    Matching,
    Verdict,
)
from raysim.core.comparison.differences import Difference, differences
from raysim.core.comparison.kinds import same_kinds
from raysim.core.comparison.metric import HEADLINE, Metric
from raysim.core.comparison.pair import Comparison, Group, changes_of, group_changes, judge_rules
from raysim.core.comparison.rule import Rule
from raysim.core.comparison.sample import Gaps, RunSample
from raysim.core.errors import ConfigError, Problem
from raysim.core.goals.slo import Slo
from raysim.report.measured import derived
from raysim.results.run import Run

#: what people call a group → its column in the records
COLUMNS = {"model": "model", "org": "org_id"}
#: paths of the scenario that decide who asks what
_USERS = ("organizations", "users", "userBehavior", "models", "endpoints", "advanced.questionTemplates")
_FEWEST = FEWEST_BLOCKS * FEWEST_IN_A_BLOCK
_NS = 1e-9
_NS_IN_US = 1e3
#: more token gaps than this are not held in memory
_MOST_GAPS = 10_000_000


@dataclass(frozen=True)
class Side:
    """One of two runs: what it says of itself, and its headline's requests, in the order in which they were due."""

    run: Run
    rows: pl.DataFrame
    gaps: Gaps
    #: token gaps are those of every so many-th request
    every: int = 1

    @classmethod
    def of(cls, run: Run) -> Side:
        """Read a run. Raises ConfigError when a file is missing."""
        requests = run.requests().filter(~pl.col("excluded"))
        rows = derived(requests, "user_id", "due_unix_ns", "chunk_gaps_us").collect().with_row_index("row")
        every = 1 + int(rows["chunk_gaps_us"].list.len().sum()) // _MOST_GAPS
        of_gaps = rows.filter(pl.col("gaps_s").is_not_null(), pl.col("row") % every == 0).select(
            "row", "chunk_gaps_us", weight=pl.col("gaps_weight") / pl.col("chunk_gaps_us").list.len()
        )
        each = of_gaps.explode("chunk_gaps_us", empty_as_null=False)
        weights = each["weight"].to_numpy()
        # to a nanosecond, as in the summary
        values = (each["chunk_gaps_us"].to_numpy() * _NS_IN_US / weights).round() * _NS
        gaps = Gaps(values, weights, each["row"].to_numpy().astype(np.int64))
        return cls(run, rows.drop("chunk_gaps_us"), gaps, every)

    def sample(self, users: Sequence[str]) -> RunSample:
        """Its arrays, users numbered as in `users`, all of whom sent something."""
        rows, slo = self.rows, self.run.plan.get("slo")
        numbers = {name: number for number, name in enumerate(users)}
        success = rows["outcome"].to_numpy() == "success"
        return RunSample(
            over_s=float(self.run.summary["throughput"]["over_s"]),
            at_s=self._at_s(),
            user=np.array([numbers[name] for name in rows["user_id"]], dtype=np.int64),
            users=tuple(users),
            values={
                name: _floats(rows, column)
                for name, column in (
                    *((name, f"{name}_s") for name in ("ttft", "tpot", "latency", "response_time", "queue")),
                    ("tps", "tps"),
                )
            },
            success=success,
            failed=rows["outcome"].to_numpy() == "error",
            tokens=_known(rows, "prompt_tokens") + _known(rows, "completion_tokens"),
            completion_tokens=_known(rows, "completion_tokens"),
            cost_usd=_known(rows, "cost_usd"),
            flagged=rows["lag_flagged"].to_numpy(),
            gaps=self.gaps,
            good=_good(rows, Slo(**slo)) if slo else None,
            kinds=self._kinds(users),
        )

    def names(self, column: str) -> list[str]:
        """The models or tenants that were asked or sent something."""
        return sorted(filter(None, self.rows[COLUMNS[column]].unique()))

    def _kinds(self, users: Sequence[str]) -> tuple[str, ...]:
        """The tenant's place in the plan does not matter, the models that a user asks do."""
        asked = self.rows.filter(pl.col("model") != "").group_by("user_id").agg(pl.col("model").unique().sort())
        models = {user: ", ".join(found) for user, found in asked.iter_rows()}
        return tuple(models.get(user, "") for user in users)

    def _at_s(self) -> np.ndarray:
        """When each request was due, in seconds of the phases that count, put end to end."""
        since = (self.rows["due_unix_ns"].to_numpy() * _NS) - self.run.summary["started_at"]
        at, offset = np.zeros(since.size), 0.0
        for phase in self.run.summary["phases"]:
            if not phase["excluded"]:
                mine = self.rows["phase"].to_numpy() == phase["name"]
                at[mine] = offset + np.clip(since[mine] - phase["start_s"], 0.0, phase["ran_s"])
                offset += phase["ran_s"]
        return at


def compare_runs(
    baseline: Side,
    run: Side,
    rules: Sequence[Rule] = (),
    by: Sequence[str] = (),
    among: int = 1,
    metrics: Sequence[Metric] = HEADLINE,
) -> Comparison:
    """`run` held against `baseline`.

    Args:
        baseline: what it was.
        run: what it is.
        rules: changes that are not wanted.
        by: `model`, `org`: whose requests are to be looked at apart.
        among: how many runs are held against the baseline; the error that is allowed is shared among them.
        metrics: the figures to compare.

    Raises:
        ConfigError: a rule is about something that the baseline does not have.
    """
    found = differences(baseline.run.scenario, run.run.scenario)
    matching = _matching(baseline, run, found)
    samples = _samples(baseline, run, matching)
    groups = [_group(column, name, baseline, run) for column in by for name in _both(baseline, run, column)]
    ruled = [
        _group(column, name, baseline, run)
        for column, name in dict.fromkeys((r.column, r.name) for r in rules)
        if column
    ]
    reasons = tuple(filter(None, (_invalid("the baseline", baseline), _invalid("the run", run))))
    miss = MISS / among
    changes, withdrawn = changes_of(samples, metrics, matching, miss)
    apart = group_changes(samples, groups, matching, miss) if groups else ()
    verdicts = judge_rules(samples, rules, ruled, matching, miss)
    if missing := [rule.text for rule in rules if rule not in {verdict.rule for verdict in verdicts}]:
        raise ConfigError(
            [
                Problem("--fail-on", f"{text!r}: the baseline {baseline.run.run_id} has no such figure")
                for text in missing
            ]
        )
    return Comparison(
        baseline=baseline.run.run_id,
        run=run.run.run_id,
        scenario=str(run.run.summary["scenario"]),
        incomparable=reasons,
        differences=found,
        notes=tuple(_notes(baseline, run, samples, matching, withdrawn)),
        requests=(samples[0].size, samples[1].size),
        changes=tuple(_unjudged(change) for change in changes) if reasons else changes,
        groups=() if reasons else apart,
        rules=() if reasons else verdicts,
    )


def _samples(baseline: Side, run: Side, matching: Matching) -> tuple[RunSample, RunSample]:
    names = [sorted(side.rows["user_id"].unique()) for side in (baseline, run)]
    if matching.users:
        # who sent nothing in one of them is the same user there
        names = [sorted({*names[0], *names[1]})] * 2
    return baseline.sample(names[0]), run.sample(names[1])


def _matching(baseline: Side, run: Side, found: Sequence[Difference]) -> Matching:
    """Moments are matched where the load changes: a slope in both is no uncertainty. So are users that are the same."""
    phases = [side.run.summary["phases"] for side in (baseline, run)]
    lasted = [[(p["name"], p["excluded"], round(p["ran_s"])) for p in each] for each in phases]
    same_load = lasted[0] == lasted[1] and not any(d.path.startswith("loadPattern") for d in found)
    counted = [phase["target_users"] for phase in phases[0] if not phase["excluded"]]
    slopes = any(p["target_mean_users"] not in (None, p["target_users"]) for p in phases[0] if not p["excluded"])
    same_users = baseline.run.summary["seed"] == run.run.summary["seed"] and not any(
        difference.path.startswith(_USERS) for difference in found
    )
    return Matching(time=same_load and (slopes or len(set(counted)) > 1), users=same_users)


def _both(baseline: Side, run: Side, column: str) -> list[str]:
    return [name for name in baseline.names(column) if name in run.names(column)]


def _group(column: str, name: str, baseline: Side, run: Side) -> Group:
    parts = [side.rows[COLUMNS[column]].to_numpy() == name for side in (baseline, run)]
    return Group(column, name, (parts[0], parts[1]))


def _invalid(which: str, side: Side) -> str:
    generator = side.run.summary["load_generator"]
    if generator["verdict"] != "invalid":
        return ""
    return f"{which} ({side.run.run_id}) measured its own load generator: {'; '.join(generator['reasons'])}"


def _notes(
    baseline: Side, run: Side, samples: tuple[RunSample, RunSample], matching: Matching, withdrawn: Sequence[str]
) -> list[str]:
    notes = []
    few = min(sample.size for sample in samples)
    if few < _FEWEST:
        notes.append(
            f"too few requests to tell anything: {few} in the smaller run; at least {_FEWEST} of each are needed"
        )
    users = min(len(sample.users) for sample in samples)
    if users < FEWEST_USERS:
        notes.append(
            f"only {users} user{'s' * (users != 1)}: how much users differ cannot be told from fewer than "
            f"{FEWEST_USERS}, and is "
            "not allowed for"
        )
    if baseline.run.summary["seed"] != run.run.summary["seed"]:
        notes.append(
            "the runs have different seeds, so that users asked different questions; the intervals allow for it"
            + ("" if same_kinds(samples) else ". There are more users of a model in one of them: give advanced.seed")
        )
    elif not matching.users:
        notes.append(
            "the scenarios have different users; the intervals allow for chance among them, not for the change"
        )
    for which, side in (("the baseline", baseline), ("the run", run)):
        summary = side.run.summary
        if side.every > 1:
            notes.append(f"token gaps of {which} are those of one request in {side.every}: there are too many for all")
        if summary["status"] != "completed":
            notes.append(f"{which} did not complete: {summary['stop_message'] or summary['stop_reason']}")
        if summary["load_generator"]["verdict"] == "suspect":
            notes.append(
                f"{which}'s load generator was late at times: {'; '.join(summary['load_generator']['reasons'])}"
            )
    if withdrawn:
        notes.append(f"no verdict on {', '.join(withdrawn)}: it rests on requests that the generator was late with")
    return notes


def _unjudged(change: Change) -> Change:
    return Change(
        change.metric,
        change.baseline,
        change.run,
        change.counts,
        change.requests,
        Verdict.NO_EVIDENCE,
        change.relative,
        change.difference,
    )


def _good(rows: pl.DataFrame, slo: Slo) -> np.ndarray:
    late = [(pl.col(f"{name}_s") > limit_s).fill_null(value=False) for name, limit_s in slo.conditions().items()]
    return rows.select((pl.col("outcome") == "success") & ~pl.any_horizontal(*late)).to_series().to_numpy()


def _floats(rows: pl.DataFrame, column: str) -> np.ndarray:
    return rows[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _known(rows: pl.DataFrame, column: str) -> np.ndarray:
    return rows[column].cast(pl.Float64).fill_null(0.0).to_numpy()
