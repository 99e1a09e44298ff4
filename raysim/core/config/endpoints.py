"""`spec.endpoints`: which of the platform's endpoints users call, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from raysim.core.config.base import NonNegative, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

EndpointName = Literal["chat", "completions", "embeddings", "orgs"]


class ExpectSpec(Part):
    """What an answer must be like to count as a success."""

    status: int | None = Field(None, strict=True, ge=100, le=599, description="HTTP status; any 2xx by default")
    contains: str | None = Field(None, description="text that the answer must contain")


class EndpointSpec(Part):
    """One endpoint of the mix."""

    name: EndpointName = Field(description="which endpoint")
    weight: NonNegative = Field(1.0, description="relative share of requests, without a unit")
    path: str | None = Field(None, description="path at the router; the endpoint's usual one by default")
    request: dict[str, JsonValue] | None = Field(
        None, description="fields to add to the request's JSON body; none by default"
    )
    expect: ExpectSpec | None = Field(None, description="what makes an answer a success; any 2xx by default")

    def problems(self) -> Iterator[tuple[str, str]]:
        """A path that is none."""
        if self.path is not None and not self.path.startswith("/"):
            yield "path", f"found {self.path!r}; expected a path such as /v1/chat/completions"
