"""`raysim run`: a load test from start to clean-up."""

from __future__ import annotations

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from raysim.config_file import load_scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.ids import new_run_id, valid_run_id
from raysim.report.live import ViewMode

_LOG_WIDTH = 110


@click.command("run")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--run-id", help="Name of the run and of its directory; made up when not given.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--ui", type=click.Choice(["live", "plain", "none"]), default="live", help="How to show progress.")
@click.option("--address", default="auto", help="Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT.")
def command(
    config: Path,
    overrides: tuple[str, ...],
    name: str | None,
    run_id: str | None,
    out: Path | None,
    ui: ViewMode,
    address: str,
) -> int:
    """Run the load test that CONFIG describes."""
    results = out or default_results_folder()
    loaded = load_scenario(config, name=name, overrides=overrides, environ=os.environ, existing_runs=results)
    # a log has no width of its own: one in which the tables fit
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
    for warning in loaded.warnings:
        console.print(f"[yellow]warning:[/] {warning}", markup=True)
    now = datetime.now(UTC)
    started = now.strftime("%Y%m%d-%H%M%S")
    chosen = run_id or loaded.scenario.metadata.test_run_id or new_run_id(started, secrets.randbits(64))
    if not valid_run_id(chosen):
        raise ConfigError([Problem("--run-id", f"found {chosen!r}; expected 1 to 63 of a-z, 0-9 and -")])
    # Ray takes seconds to import: only after the file was found to be in order
    from raysim.wiring import RunOptions, run_scenario  # noqa: PLC0415

    outcome = run_scenario(loaded.scenario, RunOptions(chosen, started, results, address, ui), console)
    click.echo(outcome.directory)
    return int(outcome.exit_code)


def default_results_folder() -> Path:
    """`$RAYSIM_RESULTS`; under `ray job submit` `~/raysim-results`, elsewhere `results` here.

    A submitted job's working directory is Ray's own and is swept with the session.
    """
    named = os.environ.get("RAYSIM_RESULTS")
    if named:
        return Path(named)
    if os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR"):
        return Path.home() / "raysim-results"
    return Path("results")
