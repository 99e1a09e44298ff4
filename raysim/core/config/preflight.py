"""`spec.preflight`: what is checked before a run."""

from __future__ import annotations

from pydantic import Field

from raysim.core.config.base import Flag, Part


class PreflightSpec(Part):
    """Checks before anything is created; `docs/preflight.md` lists them."""

    probe: Flag = Field(
        default=True,
        description="whether each model is sent one tiny request, on a static platform, where there are keys before "
        "the run; costs about 25 tokens a model; also off by `--no-probe`",
    )
