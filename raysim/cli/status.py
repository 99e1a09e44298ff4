"""`raysim status`: where a run in progress is, asked from another shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from raysim.actors.address import show_token
from raysim.cli.run import default_results_folder
from raysim.core.errors import ExitCode

if TYPE_CHECKING:
    from raysim.actors.runs import Sight


@click.command("status")
@click.argument("run", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--address", default="auto", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(run: str | None, out: Path | None, address: str, *, as_json: bool) -> int:
    """Show where RUN is: its directory, or its id. Without RUN, list the runs in progress.

    Exit status 2 when no such run is in progress, 3 when no Ray cluster answers, 1 when the run's coordinator does not.
    """
    show_token(os.environ, address)
    # Ray takes seconds to import
    from raysim.actors.runs import look_around, look_at  # noqa: PLC0415

    results = out or default_results_folder()
    if run is not None:
        return int(_show_one(look_at(run, results, address), as_json=as_json))
    return int(_show_all(list(look_around(results, address)), as_json=as_json))


def _show_one(sight: Sight, *, as_json: bool) -> ExitCode:
    from raysim.report.status import status_block  # noqa: PLC0415 - as above

    if as_json:
        click.echo(orjson.dumps(_document(sight), option=orjson.OPT_INDENT_2))
    elif sight.standing is not None:
        click.echo(status_block(sight.standing, sight.live))
    else:
        click.echo(f"{sight.run_id}: {sight.trouble}")
    return ExitCode.OK if sight.standing is not None else ExitCode.INTERNAL


def _show_all(sights: list[Sight], *, as_json: bool) -> ExitCode:
    from raysim.report.status import status_line  # noqa: PLC0415 - as above

    if as_json:
        click.echo(orjson.dumps([_document(sight) for sight in sights], option=orjson.OPT_INDENT_2))
        return ExitCode.OK
    for sight in sights:
        click.echo(f"{sight.run_id}  {sight.trouble}" if sight.standing is None else status_line(sight.standing))
    if not sights:
        click.echo("no run is in progress")
    return ExitCode.OK


def _document(sight: Sight) -> dict[str, object]:
    from raysim.report.status import status_document  # noqa: PLC0415 - as above

    if sight.standing is None:
        return {"run_id": sight.run_id, "state": "unreachable", "trouble": sight.trouble}
    return status_document(sight.standing, sight.live)
