"""`raysim dashboards`: Grafana's dashboards and Prometheus' rules, built and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from raysim.core.errors import ConfigError, ExitCode, Problem
from raysim.core.ids import valid_run_id
from raysim.dashboards import files
from raysim.dashboards.alerts import ALERTS
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.checking import problems, recorded
from raysim.dashboards.earlier_rules import EARLIER
from raysim.dashboards.live_check import Answer, Found, RefusedError, answers
from raysim.dashboards.prometheus import Prometheus
from raysim.dashboards.questions import Question, questions, rule_questions

_FOLDER = Path("dashboards")
_OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default=True,
    help="Folder of the dashboards.",
)


@click.group("dashboards")
def command() -> None:
    """Grafana dashboards, alerts and recording rules for a run's metrics."""


@command.command("build")
@_OUT
def build_command(out: Path) -> None:
    """Write the dashboards and rules: one JSON for each dashboard, rules below rules/."""
    try:
        paths = files.write(out)
    except OSError as error:
        raise ConfigError([Problem("--out", f"{out} cannot be written: {error.strerror}")]) from error
    click.echo(f"{len(paths)} files written to {out}")


@command.command("check")
@_OUT
@click.option("--prometheus", "url", help="Address of a Prometheus that has seen a run: every query must return data.")
@click.option("--run", "run_id", help="Which run; the one that pushed last when not given.")
@click.option(
    "--at", default="", help="Ask as of that time: unix seconds or RFC 3339; the run's last push when not given."
)
def check_command(out: Path, url: str | None, run_id: str | None, at: str) -> int:
    """Check every query of every panel, annotation, variable and rule.

    Without --prometheus: brackets, names of metrics, and labels, against what raysim exports; and that the files in
    --out are what is built.

    Exit status 2 when that is not so, 3 when Prometheus cannot be asked or knows of no run, 6 when a query that should
    have data has none.
    """
    asked = [*questions(DASHBOARDS), *rule_questions((*ALERTS, *EARLIER))]
    found = [Problem("", text) for text in _wrong(asked, out)]
    if found:
        raise ConfigError(found)
    click.echo(f"{len(asked)} queries ask for what is exported; {len(files.built())} files in {out} are up to date")
    return int(ExitCode.OK if url is None else _check_live(asked, url, run_id, at))


def _wrong(asked: list[Question], out: Path) -> Iterator[str]:
    made = recorded((*ALERTS, *EARLIER))
    for question in asked:
        yield from problems(question, made)
    try:
        yield from (
            f"{path} is not what is built: run `raysim dashboards build --out {out}`" for path in files.stale(out)
        )
    except (OSError, UnicodeDecodeError) as error:
        yield f"{out} cannot be read: {error}"


def _check_live(asked: list[Question], url: str, run_id: str | None, at: str) -> ExitCode:
    if run_id is not None and not valid_run_id(run_id):
        raise ConfigError([Problem("--run", f"found {run_id!r}; expected the id of a run")])
    with closing(Prometheus(url, at)) as prometheus:
        try:
            last = prometheus.last_push(run_id)
        except RefusedError as error:
            raise ConfigError([Problem("--at", str(error))]) from error
    # later on there would be no rates any more
    with closing(Prometheus(url, at or f"{last.unix_s:.3f}")) as prometheus:
        given = list(answers(asked, prometheus, last.run_id))
    # several queries of a panel often say the same
    for line in dict.fromkeys(_line(answer) for answer in given if answer.found not in (Found.DATA, Found.NOTHING)):
        click.echo(line)
    quiet = dict.fromkeys(answer.question.place for answer in given if answer.found is Found.NOTHING)
    if quiet:
        click.echo(f"  {Found.NOTHING:<8} as may be: {'; '.join(quiet)}")
    counts = Counter(answer.found for answer in given)
    summed = ", ".join(f"{counts[found]} {found}" for found in Found if counts[found])
    click.echo(f"run {last.run_id}: {summed}")
    return ExitCode.THRESHOLD_FAILED if any(answer.wrong for answer in given) else ExitCode.OK


def _line(answer: Answer) -> str:
    why = f" ({answer.why})" if answer.why else ""
    return f"  {answer.found:<8} {answer.question.place}{why}"
