"""The actor that serves the simulated platform for `targets.platform: embedded`."""

from __future__ import annotations

from raysim.core.secret import Secret
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.server import RunningPlatform, start_platform


class PlatformActor:
    """A simulated platform that lives as long as the run.

    Args:
        host: address to listen on.
        config: what the platform is like.
    """

    def __init__(self, host: str, config: PlatformConfig) -> None:
        self._host = host
        self._config = config
        self._platform: RunningPlatform | None = None

    async def start(self) -> str:
        """Serve; returns the platform's URL."""
        self._platform = await start_platform(self._config, self._host)
        return self._platform.url

    async def begin(self, run_s: float) -> None:
        """The run's second 0 was `run_s` seconds ago, or is to come when that is negative."""
        if self._platform is not None:
            self._platform.begin_fault_windows(run_s)

    async def admin_token(self) -> Secret:
        """The administrator's token of this platform's short life."""
        if self._platform is None:
            raise RuntimeError("the platform has not been started")
        return Secret(self._platform.admin_token)
