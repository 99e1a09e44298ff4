"""Reads a platform's configuration from a YAML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from raysim.core.errors import ConfigError, Problem
from raysim.simplatform.config import PlatformConfig

if TYPE_CHECKING:
    from pathlib import Path


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
        problems = [Problem(place_of(e["loc"]), e["msg"]) for e in error.errors(include_input=False)]
        raise ConfigError(problems, source=str(path)) from error


def place_of(location: tuple[int | str, ...], *, after: str = "") -> str:
    """A place in the configuration, as it is spelled there; `after` stands before it where there is one."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return after + text.removeprefix(".") if text else ""
