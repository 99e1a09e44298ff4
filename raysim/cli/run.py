"""`raysim run`: a load test from start to clean-up."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from raysim.cli.quick_form import quick_form, quick_options
from raysim.config_file import LoadedScenario, examine_document, load_scenario
from raysim.config_watch import ConfigWatch
from raysim.core.config.quick import QuickForm
from raysim.core.errors import ConfigError, Problem
from raysim.core.ids import new_run_id, valid_run_id
from raysim.report.live import ViewMode
from raysim.yaml_text import dump_document

LOG_WIDTH = 110


@click.command("run")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--run-id", help="Name of the run and of its directory; made up when not given.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--ui", type=click.Choice(["live", "plain", "none"]), default="live", help="How to show progress.")
@click.option("--address", default="auto", help="Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT.")
@click.option("--no-probe", is_flag=True, help="Send no model a tiny request before the run.")
@click.option("--expect-hash", metavar="HASH", help="Fail unless the scenario is the one that `raysim plan` showed.")
@quick_options
def command(
    config: Path | None,
    overrides: tuple[str, ...],
    name: str | None,
    run_id: str | None,
    out: Path | None,
    ui: ViewMode,
    address: str,
    expect_hash: str | None,
    *,
    no_probe: bool,
    **options: Any,
) -> int:
    """Run the load test that CONFIG describes.

    Or, in the quick form, load any OpenAI-compatible server: --url URL --model MODEL --concurrency N.
    """
    results = out or default_results_folder()
    watch = None
    form = quick_form(options, config=config is not None)
    # a log has no width of its own: one in which the tables fit
    console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
    if form is not None:
        if name is not None:
            raise ConfigError([Problem("--name", "picks a scenario of CONFIG; the quick form has one")])
        loaded, text = _from_form(form, overrides, results)
        if options["print_scenario"]:
            click.echo(text, nl=False)
            return 0
        console.print(form.price_note(), markup=False)
    else:
        path = config or Path()
        watch = ConfigWatch(path, name=name, overrides=overrides, environ=os.environ)
        loaded = load_scenario(path, name=name, overrides=overrides, environ=os.environ, existing_runs=results)
    for warning in loaded.warnings:
        console.print(f"[yellow]warning:[/] {warning}", markup=True)
    now = datetime.now(UTC)
    started = now.strftime("%Y%m%d-%H%M%S")
    chosen = run_id or loaded.scenario.metadata.test_run_id or new_run_id(started, secrets.randbits(64))
    if not valid_run_id(chosen):
        raise ConfigError([Problem("--run-id", f"found {chosen!r}; expected 1 to 63 of a-z, 0-9 and -")])
    if loaded.scenario.spec.advanced.dry_run:
        from raysim.cli.dry_run import dry_run  # noqa: PLC0415 - needed for this alone

        return int(
            dry_run(
                loaded.scenario,
                chosen,
                address=address,
                expected_hash=expect_hash,
                probe=not no_probe,
                console=console,
            )
        )
    # Ray takes seconds to import: only after the file was found to be in order
    from raysim.wiring import RunOptions, run_scenario  # noqa: PLC0415

    run_options = RunOptions(chosen, started, results, address, ui, probe=not no_probe, expected_hash=expect_hash)
    run_options = replace(run_options, look=watch.look if watch else None)
    outcome = run_scenario(loaded.scenario, run_options, console)
    click.echo(outcome.directory)
    return int(outcome.exit_code)


def _from_form(form: QuickForm, overrides: Sequence[str], results: Path) -> tuple[LoadedScenario, str]:
    """The quick form's scenario, and its text as a file would hold it. Raises ConfigError in terms of options."""
    document = form.document()
    findings = examine_document(document, overrides=overrides, environ=os.environ, existing_runs=results)
    if findings.scenario is None:
        raise ConfigError([form.as_option(problem) for problem in findings.errors])
    warnings = [form.as_option(problem) for problem in findings.warnings]
    return LoadedScenario(findings.scenario, warnings), dump_document(document)


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
