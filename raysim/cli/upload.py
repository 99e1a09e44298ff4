"""`raysim upload`: finish a copy of results that was cut short."""

from __future__ import annotations

from pathlib import Path

import click

from raysim.cleanup.left_run import find_run, read_run
from raysim.cleanup.uploader import destinations, upload
from raysim.cli.run import default_results_folder
from raysim.core.errors import ExitCode
from raysim.core.export.outcome import ExportOutcome
from raysim.report.numbers import count, size


@click.command("upload")
@click.argument("what", metavar="RUN")
@click.option("--to", metavar="URL", help="s3://bucket/path/ or a folder, instead of what the scenario says.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
def command(what: str, to: str | None, out: Path | None, overrides: tuple[str, ...]) -> int:
    """Copy what is not yet where RUN's results belong: a run's directory, or its id below the results folder.

    Goes by the manifest in the store, and can be repeated: then there is nothing to do. Exit status 8 when files are
    still only here, 3 when the store cannot be asked or the run goes on.
    """
    run = read_run(find_run(what, out or default_results_folder()), overrides)
    outcomes = upload(run, destinations(run, to), click.echo)
    for outcome in outcomes:
        click.echo(_line(run.run_id, outcome))
    left = any(outcome.status != "complete" for outcome in outcomes)
    return int(ExitCode.LEFTOVERS if left else ExitCode.OK)


def _line(run_id: str, outcome: ExportOutcome) -> str:
    files = f"{run_id}: {outcome.status}, {count(outcome.objects)} files ({size(outcome.bytes)}) at {outcome.url}"
    return f"{files}, {count(outcome.pending)} only here: {outcome.reason}" if outcome.reason else files
