"""`raysim report`: a run that is over, shown again or for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from raysim.cleanup.left_run import find_run
from raysim.cli.run import LOG_WIDTH, default_results_folder
from raysim.core.errors import ExitCode
from raysim.core.export.address import is_s3
from raysim.report.console import render_summary
from raysim.report.junit import junit_text
from raysim.report.markdown import markdown_text
from raysim.report.metric_rows import csv_text
from raysim.report.vllm import vllm_text
from raysim.results import Run, open_run
from raysim.results.page import write_page
from raysim.results.unfinished import NOTE, summary_of


def _json_text(summary: Mapping[str, Any]) -> str:
    return orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "json": _json_text,
    "csv": csv_text,
    "vllm": vllm_text,
    "junit": junit_text,
    "markdown": markdown_text,
}


@click.command("report")
@click.argument("run")
@click.option(
    "--format", "form", type=click.Choice(["table", *_TEXTS]), default="table", help="How to show it (table)."
)
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as a page to this file instead."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
def command(run: str, form: str, html: Path | None, out: Path | None) -> int:
    """Show RUN again: a run's directory, its id below the results folder, or the s3:// address it was exported to.

    A run that goes on or was killed is shown from the records that had been stored. Exit status 0 however the run came
    out, 2 when there is no such run, 3 when the store cannot be asked.
    """
    where = run if is_s3(run) else find_run(run, out or default_results_folder())
    found = open_run(where, unfinished=True)
    if html is not None:
        write_page(found, html)
        click.echo(html)
        return _told(found)
    summary = summary_of(found)
    if form == "table":
        render_summary(summary, Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH))
    else:
        click.echo(_TEXTS[form](summary), nl=False)
    return _told(found)


def _told(found: Run) -> int:
    """The exit status, after a word on a run that has no end."""
    if not found.finished:
        click.echo(f"raysim: {NOTE}", err=True)
    return int(ExitCode.OK)
