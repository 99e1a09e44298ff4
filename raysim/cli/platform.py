"""`raysim platform serve`: the simulated platform in a process of its own."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvloop

from raysim.core.errors import RaysimError
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.config_file import load_platform_config
from raysim.simplatform.server import start_platform

if TYPE_CHECKING:
    from raysim.simplatform.server import RunningPlatform

_TOKEN_ENV = "RAYSIM_PLATFORM_ADMIN_TOKEN"  # noqa: S105 - a variable's name

_GUIDE = r"""
simulated platform on {url}   (Ctrl-C ends it)

  models     {models}
  mode       {mode}
  admin      bearer token {token}

Try it:

{export}  URL={url}
  ADMIN="Authorization: Bearer ${variable}"
  field() {{ grep -o "\"$1\":\"[^\"]*" | cut -d'"' -f4; }}
  ORG=$(curl -s $URL/v1/orgs -H "$ADMIN" -d '{{"name": "Acme", "slug": "acme"}}' | field orgId)
  ANN=$(curl -s $URL/v1/orgs/$ORG/invites -H "$ADMIN" -d '{{"email": "ann@acme.invalid"}}' | field inviteId)
  curl -s -X PATCH $URL/v1/orgs/$ORG/users/$ANN -H "$ADMIN" -d '{{"status": "active"}}'
  KEY=$(curl -s $URL/v1/orgs/$ORG/users/$ANN/api-keys -H "$ADMIN" -d '{{}}' | field secret)
  curl -N $URL/v1/chat/completions -H "X-API-Key: $KEY" \
    -d '{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'
  curl -s $URL/sim/ledger
"""


@click.group("platform")
def command() -> None:
    """The simulated platform: organisations, keys, a router and model servers, in one process."""


@command.command("serve")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="YAML file; see docs/simulated-platform.md."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def serve(config_file: Path | None, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM.

    The administrator's token is read from RAYSIM_PLATFORM_ADMIN_TOKEN; without it one is made up and shown.
    """
    config = PlatformConfig() if config_file is None else load_platform_config(config_file)
    uvloop.run(_serve(config, host, port))


async def _serve(config: PlatformConfig, host: str, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    given = os.environ.get(_TOKEN_ENV)
    try:
        platform = await start_platform(config, host, port, given)
    except OSError as error:
        hint = "choose another --port, or --port 0 for a free one"
        raise RaysimError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint=hint) from error
    platform.begin_fault_windows()
    click.echo(_guide(config, platform, generated=given is None))
    # what exists now stays: no reason to look through it again at each collection
    gc.freeze()
    try:
        await stopped.wait()
    finally:
        await platform.close()
    click.echo("simulated platform ended")


def _guide(config: PlatformConfig, platform: RunningPlatform, *, generated: bool) -> str:
    chat = [model.id for model in config.models if model.kind == "chat"]
    return _GUIDE.strip().format(
        url=platform.url,
        models=", ".join(model.id for model in config.models),
        mode=config.mode,
        token=f"{platform.admin_token} (made up for this process)" if generated else f"in ${_TOKEN_ENV}",
        export=f"  {_TOKEN_ENV}={platform.admin_token}\n" if generated else "",
        variable=_TOKEN_ENV,
        model=chat[0] if chat else config.models[0].id,
    )
