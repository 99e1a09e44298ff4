"""Reads a platform's configuration from a YAML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from raysim.core.errors import ConfigError, Problem
from raysim.simplatform.config import PlatformConfig

if TYPE_CHECKING:
    from pathlib import Path


#: pydantic's kinds of error whose own words are not a user's
_WORDS = {
    "extra_forbidden": "is no known key; docs/simulated-platform.md lists those there are",
    "missing": "is required",
    "too_short": "is empty; give at least one",
}


def load_platform_config(path: Path) -> PlatformConfig:
    """The configuration in `path`; an empty file gives the defaults.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or holds values that are not valid; lists every problem.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("", f"cannot be read: {error}")], source=str(path)) from error
    except yaml.YAMLError as error:
        raise ConfigError([Problem("", f"not YAML: {error}")], source=str(path)) from error
    try:
        return PlatformConfig.model_validate({} if data is None else data)
    except ValidationError as error:
        raise ConfigError(problems_of(error), source=str(path)) from error


def problems_of(error: ValidationError, where: str = "") -> list[Problem]:
    """What is wrong with a configuration, each problem at its place below `where`."""
    after = "." if where else ""
    return [
        Problem(f"{where}{place_of(detail['loc'], after=after)}", _WORDS.get(detail["type"], detail["msg"]))
        for detail in error.errors(include_input=False)
        if not (detail["type"] == "too_short" and _has_below(error, detail["loc"]))
    ]


def _has_below(error: ValidationError, location: tuple[int | str, ...]) -> bool:
    """Whether something in the list at `location` was refused, so that its being empty says nothing."""
    return any(e["loc"][: len(location)] == location != e["loc"] for e in error.errors(include_input=False))


def place_of(location: tuple[int | str, ...], *, after: str = "") -> str:
    """A place in the configuration, as it is spelled there; `after` stands before it where there is one."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return after + text.removeprefix(".") if text else ""
