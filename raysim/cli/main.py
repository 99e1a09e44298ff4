"""The `raysim` command. Subcommands are imported when they are called, so that `raysim validate` starts fast."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import cast

import click

from raysim import __version__
from raysim.core.errors import ExitCode, RaysimError

#: command → module under raysim.cli that defines a click command of that name as `command`
_COMMANDS = {
    "run": "run",
    "status": "status",
    "stop": "stop",
    "validate": "validate",
    "plan": "plan",
    "preflight": "preflight",
    "chat": "chat",
    "report": "report",
    "compare": "compare",
    "cleanup": "cleanup",
    "upload": "upload",
    "questions": "questions",
    "schema": "schema",
    "platform": "platform",
    "kube": "kube",
    "dashboards": "dashboards",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        return cast("click.Command", import_module(f"raysim.cli.{_COMMANDS[cmd_name]}").command)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="raysim")
def cli() -> None:
    """Load-test a multi-tenant LLM inference platform the way its users use it."""


def main() -> None:
    """Run the command line; every expected error becomes one message and its documented exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except RaysimError as error:
        click.echo(f"raysim: {error.message}", err=True)
        if error.hint:
            click.echo(f"  → {error.hint}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.BAD_CONFIG)
    except (KeyboardInterrupt, click.Abort):
        click.echo("raysim: interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)
