"""Removes what all runs of a platform left behind longer ago than some time."""

from __future__ import annotations

from pathlib import Path
from time import time

from raysim.cleanup.cleaner import Cleaner, Say
from raysim.cleanup.left_run import NOTHING_STAYS, CleanedRun, LeftRun, read_run
from raysim.core.config.scenario import Scenario
from raysim.core.errors import RaysimError
from raysim.core.plan.build import plan_target
from raysim.core.plan.target_plan import TargetPlan
from raysim.tenancy.ledger import RETAINED
from raysim.tenancy.liveness import keeper_of


async def sweep(cleaner: Cleaner, scenario: Scenario, results: Path, older_than_s: float, say: Say) -> list[CleanedRun]:
    """Remove what runs of the scenario's platform left behind longer ago than `older_than_s`.

    By the ledgers below `results`, then by what the platform lists. What was retained on purpose stays, and so does
    what is looked after.

    Raises:
        PreflightError: the platform cannot be asked.
    """
    target = plan_target(scenario)
    cleaned: list[CleanedRun] = []
    spare: set[str] = set()
    for root in _with_ledgers(results):
        try:
            run = read_run(root)
        except RaysimError as error:
            say(f"{root.name}: passed over: {error.message}")
            continue
        if run.ledger.counts().get(RETAINED):
            say(f"{run.run_id}: retained on purpose; `raysim cleanup {root}` removes it")
        reason = _passed_over(run, target, older_than_s)
        if reason or run.ledger.counts().get(RETAINED):
            spare.add(run.run_id)
        if reason:
            say(f"{run.run_id}: passed over: {reason}")
        elif run.ledger.owed() or _left_metrics(run):
            cleaned.append(await cleaner.clean(run, retained=False))
    return cleaned + await cleaner.clean_tagged(scenario, older_than_s, spare)


def _with_ledgers(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.glob("*/resources.jsonl"))


def _passed_over(run: LeftRun, target: TargetPlan, older_than_s: float) -> str:
    """Why a sweep leaves the run alone; "" when it does not."""
    if (not run.ledger.owed() or run.target.platform in NOTHING_STAYS) and not _left_metrics(run):
        return ""
    holder = keeper_of(run.paths.root)
    if holder:
        return f"looked after by {holder}"
    if time() - run.touched_at <= older_than_s:
        return f"it wrote to its directory {time() - run.touched_at:.0f} s ago"
    if (run.target.platform, run.target.org_url, run.target.router_url) != (
        target.platform,
        target.org_url,
        target.router_url,
    ):
        return f"it belongs to another platform; `raysim cleanup {run.paths.root}` removes it"
    return ""


def _left_metrics(run: LeftRun) -> bool:
    """Whether what it pushed may still be there although it is not to stay: a run that has ended has deleted it."""
    return run.takes_metrics_back and not run.paths.summary.is_file()
