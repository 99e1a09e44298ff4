"""The actor that serves the simulated platform for `targets.platform: embedded`."""

from __future__ import annotations

from raysim.core.secret import Secret
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.server import RunningPlatform, start_platform


class PlatformActor:
    """A simulated platform that lives as long as the run.

    Args:
        host: address to listen on.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._platform: RunningPlatform | None = None

    async def start(self) -> str:
        """Serve; returns the platform's URL."""
        self._platform = await start_platform(PlatformConfig(deletes=True), self._host)
        return self._platform.url

    async def admin_token(self) -> Secret:
        """The administrator's token of this platform's short life."""
        if self._platform is None:
            raise RuntimeError("the platform has not been started")
        return Secret(self._platform.admin_token)
