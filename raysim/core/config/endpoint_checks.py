"""What is to be said about `spec.endpoints` in view of the other sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysim.core.behaviour.endpoint import LIMIT_FIELDS
from raysim.core.behaviour.template import PLACEHOLDERS, placeholders
from raysim.core.config.models import price_of
from raysim.core.config.paths import spell
from raysim.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysim.core.config.endpoints import EndpointSpec
    from raysim.core.config.scenario import Scenario


def endpoint_errors(scenario: Scenario) -> Iterator[Problem]:
    """Endpoints that the platform does not have, or whose cost or answer could not be known."""
    spec = scenario.spec
    for index, endpoint in enumerate(spec.endpoints):
        here = ("spec", "endpoints", index)
        if endpoint.name == "orgs" and spec.targets.platform not in ("aiaas", "embedded"):
            yield Problem(
                spell((*here, "name")), f"platform {spec.targets.platform} has no organisation service; remove it"
            )
        model = endpoint.own_model
        if model is not None and price_of(model, spec.models) is None:
            yield Problem(
                spell((*here, "request", "model")),
                f"the price of {model!r} is not known, so limits.maxCostUsd could not be kept; "
                f"give inputUsdPerMillion and outputUsdPerMillion under models[{model}]",
            )
        streamed = endpoint.to_plan().streams(streaming=spec.targets.streaming)
        if streamed and endpoint.expect is not None and endpoint.expect.json_path is not None:
            yield Problem(
                spell((*here, "expect", "jsonPath")),
                "a streamed answer is not one JSON document; add stream: false to request",
            )


def _is_unbounded(endpoint: EndpointSpec) -> bool:
    request = endpoint.request or {}
    if endpoint.name in ("chat", "completions"):
        return any(name in request and request[name] is None for name in LIMIT_FIELDS)
    return endpoint.name == "custom" and "model" in request and not _names_a_limit(request)


def _names_a_limit(request: Mapping[str, object]) -> bool:
    return any(
        name in LIMIT_FIELDS or (isinstance(value, dict) and _names_a_limit(value)) for name, value in request.items()
    )


def endpoint_warnings(scenario: Scenario) -> Iterator[Problem]:
    """Endpoints that may not do what their author means."""
    for index, endpoint in enumerate(scenario.spec.endpoints):
        here = ("spec", "endpoints", index)
        if endpoint.name == "embeddings" and "model" not in (endpoint.request or {}):
            yield Problem(
                spell((*here, "request")),
                "names no model, so users ask their own model for embeddings; "
                "request: {model: text-embedding-3-small} names one",
            )
        if _is_unbounded(endpoint):
            yield Problem(
                spell((*here, "request")),
                "asks for a generation without max_tokens, so each request has to reserve what an answer would cost "
                "that fills the model's context",
            )
        for name in placeholders(endpoint.request):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{key}}}" for key in PLACEHOLDERS)
                yield Problem(spell((*here, "request")), f"{{{name}}} is sent as it is; placeholders are {known}")
