"""`spec.endpoints`: which of the platform's endpoints users call, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from raysim.core.behaviour.endpoint import PATHS, EndpointKind, EndpointPlan
from raysim.core.behaviour.expectation import Expectation, parse_json_path
from raysim.core.behaviour.template import PATH_PLACEHOLDERS, placeholders
from raysim.core.config.base import NonNegative, Part, unknown_placeholders, weight_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

#: the organisation service answers an unknown id with 200 and another organisation's id
_SAME_ORG = Expectation(json_path=("orgId",), compare=True, equals="{org_id}")


class ExpectSpec(Part):
    """What an answer must be like to count as a success; whatever is given must hold."""

    status: int | None = Field(None, strict=True, ge=100, le=599, description="HTTP status; any 2xx by default")
    contains: str | None = Field(None, description="text that the answer must contain; may hold placeholders")
    json_path: str | None = Field(
        None,
        description="names and indexes that must lead to something in the JSON body, such as `$.data[0].embedding`",
    )
    equals: bool | int | float | str | None = Field(
        None, description="what must be found there; anything by default; a text may hold placeholders"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """A path that is none, or a value without a place."""
        if self.json_path is not None:
            try:
                parse_json_path(self.json_path)
            except ValueError as error:
                yield "jsonPath", str(error)
        elif self.equals is not None:
            yield "jsonPath", "is required beside equals: it says where the value is"

    def to_expectation(self) -> Expectation:
        """The same, as it travels."""
        return Expectation(
            self.status,
            self.contains or "",
            parse_json_path(self.json_path) if self.json_path is not None else (),
            compare=self.equals is not None,
            equals=self.equals,
        )


class EndpointSpec(Part):
    """One endpoint of the mix."""

    name: EndpointKind = Field(description="which endpoint; custom is any other one, given by path and request")
    weight: NonNegative = Field(1.0, description="relative share of requests, without a unit")
    path: str | None = Field(
        None, description="path below the service's address; the endpoint's usual one by default; required by custom"
    )
    method: Literal["GET", "POST", "PUT", "PATCH"] | None = Field(
        None,
        description="HTTP method, of orgs and custom only; POST where there is a request, else GET",
    )
    request: dict[str, JsonValue] | None = Field(
        None,
        description="fields that replace those of the request's JSON body, null takes one away; the whole body of orgs "
        "and custom; none by default",
    )
    expect: ExpectSpec | None = Field(
        None, description="what makes an answer a success; any 2xx by default, of orgs also the right orgId"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """A path that is none, a method or a request that does not fit the endpoint."""
        yield from self._path_problems()
        if self.method is not None and self.name not in ("orgs", "custom"):
            yield "method", f"{self.name} is always a POST; remove it, or use name: custom"
        if self.method == "GET" and self.request is not None:
            yield "method", "a GET has no body; remove request or use another method"
        stream = (self.request or {}).get("stream")
        if stream is not None and not isinstance(stream, bool):
            yield "request.stream", f"found {stream!r}; expected true or false"
        elif stream and self.name not in ("chat", "completions"):
            yield "request.stream", f"answers of {self.name} are read whole; only chat and completions can be streamed"

    def _path_problems(self) -> Iterator[tuple[str, str]]:
        path = self.path
        if path is None:
            if self.name == "custom":
                yield "path", "is required by a custom endpoint, such as /v1/inference"
            return
        if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path or "#" in path:
            yield "path", f"found {path!r}; expected a path such as /v1/chat/completions"
        elif wrong := unknown_placeholders(path, PATH_PLACEHOLDERS):
            known = ", ".join(f"{{{name}}}" for name in PATH_PLACEHOLDERS)
            yield "path", f"found {wrong[0]}; a path can hold {known}"

    @property
    def own_model(self) -> str | None:
        """The model that its request names instead of the user's."""
        model = (self.request or {}).get("model")
        return model if isinstance(model, str) and not placeholders(model) else None

    def to_plan(self) -> EndpointPlan:
        """The same, as it travels."""
        expects = self.expect.to_expectation() if self.expect is not None else None
        if expects is None and self.name == "orgs" and self.path is None:
            expects = _SAME_ORG
        whole = self.name in ("orgs", "custom")
        method = self.method or ("GET" if whole and self.request is None else "POST")
        return EndpointPlan(self.name, self.weight, method, self.path or PATHS[self.name], self.request, expects)


def some_weight(endpoints: tuple[EndpointSpec, ...]) -> tuple[EndpointSpec, ...]:
    """`endpoints`, of which at least one can be drawn.

    Raises:
        ValueError: none can.
    """
    if message := weight_problem(tuple(endpoint.weight for endpoint in endpoints)):
        raise ValueError(message)
    return endpoints
