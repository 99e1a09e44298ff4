"""`raysim chat`: one request, to see that a scenario's platform answers and how fast."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from rich.console import Console

from raysim.chat import ChatResult, chat, end_on_sigterm
from raysim.config_file import load_scenario
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ExitCode, InterruptedRunError, worst
from raysim.core.ids import new_run_id
from raysim.report.answer import render_answer


@click.command("chat")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--model", help="Model to ask; the first user's own by default.")
@click.option("--prompt", metavar="TEXT", help="What to ask; the first user's first question by default.")
def command(config: Path, overrides: tuple[str, ...], name: str | None, model: str | None, prompt: str | None) -> int:
    """Send one request as the first user of CONFIG would, and show the answer with its timings.

    A tenant, a user and a key are created for it, as in a run, and removed again. Exit status 9 when the request fails.
    """
    loaded = load_scenario(config, name=name, overrides=overrides, environ=os.environ)
    try:
        result = uvloop.run(_chat(loaded.scenario, model, prompt))
    except asyncio.CancelledError:
        raise InterruptedRunError("interrupted; what was created has been removed") from None
    return int(_show(result, Console(highlight=False)))


async def _chat(scenario: Scenario, model: str | None, prompt: str | None) -> ChatResult:
    end_on_sigterm()
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    run_id = new_run_id(started, secrets.randbits(64))
    return await chat(scenario, run_id=run_id, started=started, environ=os.environ, model=model, prompt=prompt)


def _show(result: ChatResult, console: Console) -> ExitCode:
    record = result.record
    console.print(f"{record.user_id} asks {record.model}: {result.question}\n", markup=False, soft_wrap=True)
    if result.text:
        console.print(f"{result.text}\n", markup=False, soft_wrap=True)
    render_answer(record, console, priced=result.priced)
    codes = set()
    if record.error_type:
        codes.add(ExitCode.NO_SUCCESS)
        detail = f": {record.error_detail}" if record.error_detail else ""
        console.print(f"\nfailed: {record.error_type}{detail}", markup=False, soft_wrap=True)
    if result.left:
        codes.add(ExitCode.LEFTOVERS)
        console.print(f"\ncould not be removed: {', '.join(result.left)}", markup=False)
    return worst(codes)
