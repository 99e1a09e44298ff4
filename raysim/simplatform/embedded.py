"""The platform that a run starts for itself, from `targets.simulated` of its scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from raysim.core.backends.target import BackendTarget
from raysim.core.errors import ConfigError
from raysim.core.isolation.events import DeclaredFault
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.config_file import problems_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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


def embedded_backends(config: PlatformConfig, url: str, models: Collection[str]) -> tuple[BackendTarget, ...]:
    """The metrics pages of the backends that serve any of `models`, and of their GPUs, on the platform at `url`."""
    pages = []
    for backend in config.backends:
        if not set(backend.models) & set(models):
            continue
        page = f"{url}/backends/{backend.id}"
        pages.append(BackendTarget(backend.id, f"{page}/metrics", "vllm", capacity=backend.slots))
        if backend.gpus:
            pages.append(BackendTarget(backend.id, f"{page}/dcgm/metrics", "dcgm"))
    return tuple(pages)


def declared_faults(config: PlatformConfig) -> tuple[DeclaredFault, ...]:
    """When faults are on on purpose, and whom they favour. Those that are on all the time are the platform's nature."""
    return tuple(
        DeclaredFault(window.start, window.end, window.faults.unfair_org or "") for window in config.fault_windows
    )
