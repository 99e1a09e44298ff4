"""A run that ends before anything is created: its plan, and every check against the world."""

from __future__ import annotations

import os
from time import monotonic

from rich.console import Console

from raysim.cli.plan import show_plan
from raysim.cli.preflight import show_checks
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ExitCode
from raysim.core.plan.build import build_plan
from raysim.preflight.check import Tally
from raysim.readiness import preflight


def dry_run(
    scenario: Scenario, run_id: str, *, address: str, expected_hash: str | None, probe: bool, console: Console
) -> ExitCode:
    """Show the plan and check what the run would need. Creates no tenant and no directory.

    Args:
        scenario: a checked scenario.
        run_id: what the run would be called.
        address: the cluster, as for a run.
        expected_hash: what `raysim plan` printed; None when nothing particular is expected.
        probe: whether each model may be sent a tiny request.
        console: where to print.
    """
    show_plan(scenario, build_plan(scenario, run_id, started="00000000-000000"), console)
    started_s = monotonic()
    checks = preflight(scenario, address=address, environ=os.environ, expected_hash=expected_hash, probe=probe)
    console.print()
    show_checks(checks, monotonic() - started_s, console)
    console.print("\ndry run: nothing was created and no load was sent")
    return ExitCode.PREFLIGHT_FAILED if Tally.of(checks).failed else ExitCode.OK
