"""The options of `raysim run` that stand in place of a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import click

from raysim.core.config.quick import QuickForm
from raysim.core.errors import ConfigError, Problem

_Command = TypeVar("_Command", bound=Callable[..., Any])

_NEEDED = ("url", "model", "concurrency")
_DURATION = "30s"
_OUTPUT_TOKENS = 128
_OPTIONS = (
    click.option("--url", help="An OpenAI-compatible server to load, in place of CONFIG."),
    click.option("--model", help="Model to ask for."),
    click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Users that ask without pause."),
    click.option("--request-rate", type=float, metavar="R", help="Requests/s that arrive, whatever is in flight."),
    click.option("--isl", type=click.IntRange(1), metavar="N", help="Input length: tokens of each prompt."),
    click.option(
        "--osl",
        type=click.IntRange(1),
        metavar="N",
        help=f"Output length: most tokens of an answer ({_OUTPUT_TOKENS}).",
    ),
    click.option("--duration", metavar="TIME", help=f"How long to measure ({_DURATION})."),
    click.option("--warmup", metavar="TIME", help="How long to ask before that; kept out of the results (none)."),
    click.option(
        "--goodput", metavar="SLO", help="When an answer is a good one, such as 'ttft:200ms tpot:50ms latency:3s'."
    ),
    click.option("--api-key-env", metavar="VAR", help="Environment variable that holds the key; none sends no key."),
    click.option("--print-scenario", is_flag=True, help="Print the scenario that these options mean; run nothing."),
)


def quick_options(command: _Command) -> _Command:
    """Add the quick form's options to a command; their values arrive as keyword arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def quick_form(options: Mapping[str, Any], *, config: bool) -> QuickForm | None:
    """What the options say; None when there is a CONFIG and none of them.

    Raises:
        ConfigError: CONFIG and options at once, neither, or not enough options.
    """
    given = [name for name, value in options.items() if value not in (None, False)]
    if config:
        if given:
            names = ", ".join(map(_spelt, given))
            raise ConfigError([Problem(names, "belongs to the quick form; with CONFIG, change values with --set")])
        return None
    if not given:
        raise ConfigError(
            [Problem("", "give CONFIG, a scenario file, or --url, --model and --concurrency, the quick form")]
        )
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        needed = "is required when there is no CONFIG"
        raise ConfigError([Problem(_spelt(name), needed) for name in missing])
    said = {field.name: options[field.name] for field in fields(QuickForm)}
    return QuickForm(**{**said, "duration": said["duration"] or _DURATION, "osl": said["osl"] or _OUTPUT_TOKENS})


def _spelt(name: str) -> str:
    return f"--{name.replace('_', '-')}"
