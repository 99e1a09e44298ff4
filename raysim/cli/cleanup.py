"""`raysim cleanup`: finish what a killed run left on the platform, or sweep what old ones did."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from time import time
from typing import Any, TypeVar

import click
import uvloop

from raysim.cleanup.cleaner import Cleaner
from raysim.cleanup.exported_run import ExportedRun
from raysim.cleanup.left_run import CleanedRun, find_run, read_run
from raysim.cleanup.sweep import sweep
from raysim.cli.run import default_results_folder
from raysim.config_file import load_scenario
from raysim.core.errors import ConfigError, ExitCode, InterruptedRunError, Problem
from raysim.core.export.address import is_s3
from raysim.core.units import parse_duration

_MOST_REASONS = 5

_Result = TypeVar("_Result")


@click.command("cleanup")
@click.argument("what", metavar="RUN|CONFIG")
@click.option("--older-than", metavar="DURATION", help="Sweep CONFIG's platform of what is older, such as 24h.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when CONFIG holds several.")
@click.option("--force", is_flag=True, help="Clean up even if the run seems to go on.")
def command(
    what: str, older_than: str | None, out: Path | None, overrides: tuple[str, ...], name: str | None, *, force: bool
) -> int:
    """Remove what RUN left on its platform: a run's directory, its id below the results folder, or its s3:// address.

    Goes by the run's ledger, asks the platform whether it is done, and can be repeated: then there is nothing to do.
    Where the scenario has retainMetrics: false, deletes from the Pushgateway what the run pushed, if it can be reached.
    Exit status 8 when something remains, 3 when the run goes on or the platform cannot be asked.
    """
    results = out or default_results_folder()
    cleaner = Cleaner(os.environ, click.echo, force=force)
    if older_than is None:
        outcomes = [
            _clean_exported(cleaner, what, results, overrides, force=force)
            if is_s3(what)
            else _clean(cleaner, what, results, overrides)
        ]
    else:
        age_s = _seconds(older_than)
        scenario = load_scenario(Path(what), name=name, overrides=overrides, environ=os.environ).scenario
        outcomes = _run(sweep(cleaner, scenario, results, age_s, click.echo))
    for outcome in outcomes:
        _show(outcome)
    if older_than is not None and not outcomes:
        click.echo("nothing to do")
    left = any(outcome.remaining for outcome in outcomes)
    if left:
        again = [what, *(["--older-than", older_than] if older_than else []), *(["--out", str(out)] if out else [])]
        click.echo(f"what remains is tried again by: raysim cleanup {' '.join(again)}")
    return int(ExitCode.LEFTOVERS if left else ExitCode.OK)


def _clean(cleaner: Cleaner, what: str, results: Path, overrides: tuple[str, ...]) -> CleanedRun:
    return _run(cleaner.clean(read_run(find_run(what, results), overrides)))


def _clean_exported(
    cleaner: Cleaner, url: str, results: Path, overrides: tuple[str, ...], *, force: bool
) -> CleanedRun:
    """By the ledger in the store, which is continued there; a copy stays below `results`."""
    exported = ExportedRun(url)
    if not force:
        exported.insist_on_its_end(time())
    root = exported.bring(results)
    click.echo(f"the run's ledger was brought to {root}")
    try:
        return _run(cleaner.clean(read_run(root, overrides)))
    finally:
        exported.take_back(root)


def _run(work: Coroutine[Any, Any, _Result]) -> _Result:
    async def interruptible() -> _Result:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return uvloop.run(interruptible())
    except asyncio.CancelledError:
        raise InterruptedRunError("interrupted; what was not removed is still on the ledger") from None


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError([Problem("--older-than", str(error))]) from error


def _show(outcome: CleanedRun) -> None:
    if outcome.counts:
        _show_tenants(outcome)
    withdrawn = outcome.metrics
    if withdrawn is None:
        return
    if withdrawn.trouble:
        click.echo(f"{outcome.run_id}: metrics were left behind: Pushgateway: {withdrawn.trouble}")
    else:
        groups = f"{withdrawn.groups or 'no'} group{'s' * (withdrawn.groups != 1)} of metrics deleted"
        click.echo(f"{outcome.run_id}: {groups} from {withdrawn.url}")


def _show_tenants(outcome: CleanedRun) -> None:
    fates = ("revoked", "deleted", "suspended", "gone", "retained")
    done = [f"{outcome.counts[fate]} {fate}" for fate in fates if outcome.counts.get(fate)]
    click.echo(
        f"{outcome.run_id}: {', '.join([*done, f'{len(outcome.remaining)} remaining'])} ({outcome.seconds:.1f} s)"
    )
    for resource in outcome.remaining[:_MOST_REASONS]:
        click.echo(f"  {resource.kind} {resource.resource_id or resource.label}: {resource.detail}")
    if len(outcome.remaining) > _MOST_REASONS:
        click.echo(f"  and {len(outcome.remaining) - _MOST_REASONS} more, with their reasons in resources.jsonl")
