"""The summary of a run, also of one that goes on or was killed: then from the records that had been stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from raysim.core.config.reading import read_scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import PackPlan, RunPlan, TenantPlan
from raysim.report.facts import RunFacts, RunStatus
from raysim.report.summary import summarise
from raysim.results.run import Run

_MESSAGE = "no end of the run is on record: it goes on, or it was killed"
NOTE = (
    "PARTIAL: made from the records that had been stored, exact for these; the last seconds, bootstrap, losses, "
    "clean-up and the actors' health are not known, and this is no verdict on the load generator"
)


def summary_of(run: Run) -> dict[str, Any]:
    """`run.summary`; of an unfinished run one that is made from its records, with the status `unfinished`.

    Raises:
        ConfigError: its files cannot be read, or say nothing of a run.
    """
    if run.finished:
        return run.summary
    plan = planned(run)
    summary = summarise(run.requests(), _facts(run, plan))
    summary["load_generator"] |= {"verdict": "unknown", "reasons": ["the actors' health is not on record"]}
    summary["users"] |= dict.fromkeys(("bootstrapped", "lost", "replaced"))
    summary["bootstrap"] = dict.fromkeys(summary["bootstrap"])
    summary["cleanup"] |= {"status": "unknown", "command": f"raysim cleanup {run.where}"}
    summary["notes"] = [NOTE, *summary["notes"]]
    return summary


def planned(run: Run) -> RunPlan:
    """The plan of `run`, from its scenario and from the names that it has on record.

    Raises:
        ConfigError: this raysim cannot read them.
    """
    try:
        plan = build_plan(read_scenario(run.scenario), str(run.plan["run_id"]), started="")
        return replace(
            plan,
            tenants=msgspec.convert(run.plan["tenants"], tuple[TenantPlan, ...]),
            packs=msgspec.convert(run.plan["packs"], tuple[PackPlan, ...]),
        )
    except (KeyError, msgspec.ValidationError) as error:
        raise ConfigError(
            [Problem("RUN", f"{run.where} has a plan.json that this raysim cannot read: {error}")]
        ) from error


def _facts(run: Run, plan: RunPlan) -> RunFacts:
    begun = [event for event in run.events if event.get("run_s") is not None]
    started_at = begun[0]["time"] - begun[0]["run_s"] if begun else 0.0
    known_s = max((event["run_s"] for event in begun), default=0.0)
    ends = run.requests().select("due_unix_ns", "end_ns").max().collect().row(0)
    if started_at and ends[0] is not None:
        known_s = max(known_s, ends[0] / 1e9 - started_at)
    return RunFacts(
        plan=plan,
        status=RunStatus.UNFINISHED,
        stop_reason="unfinished",
        stop_message=_MESSAGE,
        started_at=started_at,
        duration_s=known_s,
        load_s=min(known_s, plan.schedule.duration_s),
    )
