"""`raysim compare`: what is different between runs, how sure that is, and whether a rule is broken by it."""

from __future__ import annotations

import sys

import click
import orjson
from rich.console import Console

from raysim.core.comparison.metric import HEADLINE, METRICS
from raysim.core.comparison.rule import COLUMNS, Rule, parse_rule
from raysim.core.errors import ConfigError, ExitCode, Problem, worst

_LOG_WIDTH = 100


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
@click.option("--format", "form", type=click.Choice(("table", "json", "markdown")), default="table")
def command(
    baseline: str,
    runs: tuple[str, ...],
    rules: tuple[str, ...],
    by: tuple[str, ...],
    form: str,
    *,
    strict: bool,
    everything: bool,
) -> int:
    """Compare each RUN with BASELINE: directories of runs, as `raysim run` printed them.

    Exit status 6 when a rule is broken, 7 when a run cannot be compared because its load generator was invalid.
    """
    parsed = _parsed(rules)
    # polars takes a while to import
    from raysim.report.compared import Side, compare_runs  # noqa: PLC0415
    from raysim.results import open_run  # noqa: PLC0415 - as above

    before = Side.of(open_run(baseline))
    metrics = tuple(METRICS.values()) if everything else HEADLINE
    found = [compare_runs(before, Side.of(open_run(run)), parsed, by, among=len(runs), metrics=metrics) for run in runs]
    if form == "json":
        from raysim.report.compared_document import documents  # noqa: PLC0415 - as above

        click.echo(orjson.dumps(documents(found), option=orjson.OPT_INDENT_2))
    else:
        from raysim.report.compared_tables import markdown, render_comparison  # noqa: PLC0415 - as above

        if form == "markdown":
            click.echo(markdown(found))
        else:
            # a log that is no terminal has no width of its own
            console = Console(highlight=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
            for comparison in found:
                render_comparison(comparison, console)
    codes = {ExitCode.GENERATOR_INVALID for comparison in found if comparison.incomparable}
    codes |= {ExitCode.THRESHOLD_FAILED for comparison in found if comparison.fails(strict=strict)}
    return int(worst(codes))


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
