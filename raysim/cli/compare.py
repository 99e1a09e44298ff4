"""`raysim compare`: what is different between runs, how sure that is, and whether a rule is broken by it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson
from rich.console import Console

from raysim.cleanup.left_run import find_run
from raysim.cli.run import LOG_WIDTH, default_results_folder
from raysim.core.comparison.metric import HEADLINE, METRICS
from raysim.core.comparison.rule import COLUMNS, Rule, parse_rule
from raysim.core.errors import ConfigError, ExitCode, Problem, worst
from raysim.report.compared import Side, compare_runs
from raysim.report.compared_document import documents
from raysim.report.compared_tables import markdown, render_comparison
from raysim.results import Run, open_run


@click.command("compare")
@click.argument("baseline")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--fail-on",
    "rules",
    multiple=True,
    metavar="RULE",
    help="A change that fails, such as 'ttft_p99>+10%'; repeatable.",
)
@click.option("--strict", is_flag=True, help="Fail also when a change as large as a rule's is not ruled out.")
@click.option("--by", "by", multiple=True, type=click.Choice(COLUMNS), help="Each model, or tenant, apart as well.")
@click.option("--all", "everything", is_flag=True, help="Every figure, not only the headline's.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    help="How to show it (table).",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
def command(
    baseline: str,
    runs: tuple[str, ...],
    rules: tuple[str, ...],
    by: tuple[str, ...],
    form: str,
    out: Path | None,
    *,
    strict: bool,
    everything: bool,
) -> int:
    """Compare each RUN with BASELINE: runs' directories, or their ids below the results folder.

    Exit status 6 when a rule is broken, 7 when a run cannot be compared because its load generator was invalid.
    """
    parsed = _parsed(rules)

    results = out or default_results_folder()
    before = Side.of(_opened(baseline, results))
    metrics = tuple(METRICS.values()) if everything else HEADLINE
    found = [
        compare_runs(before, Side.of(_opened(run, results)), parsed, by, among=len(runs), metrics=metrics)
        for run in runs
    ]
    if form == "json":
        click.echo(orjson.dumps(documents(found), option=orjson.OPT_INDENT_2))
    elif form == "markdown":
        click.echo(markdown(found))
    else:
        # a log that is no terminal has no width of its own
        console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
        for comparison in found:
            render_comparison(comparison, console)
    codes = {ExitCode.GENERATOR_INVALID for comparison in found if comparison.incomparable}
    codes |= {ExitCode.THRESHOLD_FAILED for comparison in found if comparison.fails(strict=strict)}
    return int(worst(codes))


def _opened(name: str, results: Path) -> Run:
    """The run at an address, in a directory, or below the results folder."""
    return open_run(name if "://" in name else find_run(name, results))


def _parsed(rules: tuple[str, ...]) -> list[Rule]:
    parsed, problems = [], []
    for text in rules:
        try:
            parsed.append(parse_rule(text))
        except ValueError as error:
            problems.append(Problem("--fail-on", str(error)))
    if problems:
        raise ConfigError(problems)
    return parsed
