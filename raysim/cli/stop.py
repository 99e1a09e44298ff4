"""`raysim stop`: end a run in progress from another shell, as a signal to its driver would."""

from __future__ import annotations

import os
from pathlib import Path

import click

from raysim.actors.address import show_token
from raysim.cli.run import default_results_folder
from raysim.core.errors import ExitCode
from raysim.core.units import format_duration


@click.command("stop")
@click.argument("run")
@click.option("--now", "at_once", is_flag=True, help="Cut requests in flight instead of letting them finish.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
@click.option("--address", default="auto", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT.")
def command(run: str, out: Path | None, address: str, *, at_once: bool) -> int:
    """End RUN, named by its directory or its id: drain, store, clean up, report. The run's own exit status is 130.

    Returns at once. Exit status 2 when no such run is in progress, 3 when no Ray cluster answers.
    """
    show_token(os.environ, address)
    # Ray takes seconds to import
    from raysim.actors.runs import ask_to_stop  # noqa: PLC0415

    before = ask_to_stop(run, out or default_results_folder(), address, at_once=at_once)
    if before.stage in ("drained", "cleaning up", "cleaned up"):
        click.echo(f"{before.run_id} has stopped already; it is {before.stage}")
    elif at_once:
        click.echo(f"{before.run_id} stops at once; requests in flight are cut. Results: {before.directory}")
    else:
        drain = format_duration(before.drain_s)
        click.echo(f"{before.run_id} stops; requests in flight may take {drain}. Results: {before.directory}")
    return int(ExitCode.OK)
