"""The platform that a run starts for itself, from `targets.simulated` of its scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from raysim.core.errors import ConfigError
from raysim.core.isolation.events import DeclaredFault
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.config_file import problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHERE = "spec.targets.simulated"


def embedded_config(simulated: Mapping[str, object] | None) -> PlatformConfig:
    """The platform's configuration; organisations and users can be deleted unless it says otherwise.

    Args:
        simulated: `targets.simulated`, in the spelling of a platform's configuration file; None for the defaults.

    Raises:
        ConfigError: with every problem, each at its place in the scenario.
    """
    try:
        return PlatformConfig.model_validate({"deletes": True, **(simulated or {})})
    except ValidationError as error:
        raise ConfigError(problems_of(error, _WHERE)) from error


def declared_faults(config: PlatformConfig) -> tuple[DeclaredFault, ...]:
    """When faults are on on purpose, and whom they favour. Those that are on all the time are the platform's nature."""
    return tuple(
        DeclaredFault(window.start, window.end, window.faults.unfair_org or "") for window in config.fault_windows
    )
