"""How each part of the simulated platform describes an operation in the OpenAPI document. Pure."""

from __future__ import annotations

from typing import Any

from raysim.simplatform.openapi_shapes import TEXT, Schema, ref

_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "inference": [{"apiKey": []}, {"apiKeyBearer": []}],
    "organisations": [{"administrator": []}],
    "simulator": [{}, {"simulator": []}],
    "litellm": [{"administrator": []}],
}

_ROUTER_REFUSALS = {
    400: "the body is not valid",
    401: "the key is not accepted",
    402: "a budget or a quota is spent",
    422: "with `mode: litellm`: a budget or a quota is spent",
    429: "a rate limit; `Retry-After` says when there is room again",
    500: "nothing serves this model, or a fault",
    502: "the backend's queue is full, or a fault",
    503: "a fault; with `mode: litellm` also what else is 502",
}

_SERVICE_REFUSALS = {
    400: "the body is not valid, or the user is not active",
    401: "the administrator's token is not accepted",
    404: "there is none",
    409: "it exists already, was changed meanwhile, or was revoked before",
    500: "a duplicate name of a service account, or a fault",
    501: "lookups are off",
}

_PROXY_REFUSALS = {
    400: "not valid, or it exists already",
    401: "the master key is not accepted",
    404: "there is none, or no `mode: litellm`",
    409: "it exists already",
    500: "a fault",
}


def as_json(schema: Schema, description: str) -> Schema:
    """A response in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def as_text(description: str) -> Schema:
    """A response in plain text."""
    return {"description": description, "content": {"text/plain": {"schema": TEXT}}}


def shared_responses() -> dict[str, Schema]:
    """Name → response, of those that many operations have."""
    error = {"oneOf": [ref("RouterError"), ref("LitellmError")]}
    proxy_error = {"oneOf": [ref("LitellmError"), ref("NoRoute")]}
    return {
        "TooLarge": as_text("the body is too large"),
        "DeletesAreOff": as_json(ref("NoRoute"), "without `deletes: true`"),
        **{f"Router{status}": as_json(error, text) for status, text in _ROUTER_REFUSALS.items()},
        **{f"Service{status}": as_text(text) for status, text in _SERVICE_REFUSALS.items()},
        **{f"Proxy{status}": as_json(proxy_error, text) for status, text in _PROXY_REFUSALS.items()},
    }


def operation(
    tag: str,
    name: str,
    summary: str,
    responses: dict[int, Schema],
    *,
    body: str | None = None,
    parameters: tuple[str, ...] = (),
) -> Schema:
    """One operation.

    Args:
        tag: the part of the platform.
        name: its id.
        summary: what it does.
        responses: status → response.
        body: name of the schema of its body.
        parameters: names of optional parameters of the query.
    """
    described: Schema = {"tags": [tag], "operationId": name, "summary": summary}
    if parameters:
        described["parameters"] = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in parameters]
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
        responses = responses | {413: _shared("TooLarge")}
    described["responses"] = {str(status): responses[status] for status in sorted(responses)}
    return described | {"security": _SECURITY.get(tag, [])}


def inference(name: str, summary: str, body: str, schema: str, chunk: str | None = None) -> Schema:
    """An endpoint of the router; `chunk` is what it streams."""
    content = {"application/json": {"schema": ref(schema)}}
    if chunk is not None:
        text = f"with `stream: true`: each `data:` line is a {chunk}, the last one `[DONE]`"
        content["text/event-stream"] = {"schema": {"type": "string", "description": text}}
    answers: dict[int, Schema] = {status: _shared(f"Router{status}") for status in _ROUTER_REFUSALS}
    answers[200] = {"description": "the answer", "content": content}
    return operation("inference", name, summary, answers, body=body)


def administration(
    name: str, summary: str, done: tuple[int, Schema | None], *refused: int, body: str | None = None, **more: Any
) -> Schema:
    """An operation of the User/Org service.

    Args:
        name: its id.
        summary: what it does.
        done: status and schema of the answer.
        refused: statuses that it refuses with, beside 401 and, where there is a body, 400.
        body: name of the schema of its body.
        more: as for `operation`.
    """
    status, schema = done
    statuses = {401, *refused} | ({400} if body else set())
    answers: dict[int, Schema] = {code: _shared(f"Service{code}") for code in statuses}
    answers[status] = {"description": "done"} if schema is None else as_json(schema, "done")
    return operation("organisations", name, summary, answers, body=body, **more)


def deletion(name: str, summary: str) -> Schema:
    """An operation of the User/Org service that is only there with `deletes: true`."""
    answers: dict[int, Schema] = {204: {"description": "done"}, 405: _shared("DeletesAreOff")}
    answers |= {code: _shared(f"Service{code}") for code in (401, 404)}
    return operation("organisations", name, summary, answers)


def lookup(name: str, summary: str, schema: Schema) -> Schema:
    """An operation of the User/Org service that is not there with `lookups: false`."""
    missing = {
        "description": "there is none; in JSON: no such path, with `lookups: false`",
        "content": {"application/json": {"schema": ref("NoRoute")}, "text/plain": {"schema": TEXT}},
    }
    answers = {200: as_json(schema, "done"), 401: _shared("Service401"), 404: missing}
    return operation("organisations", name, summary, answers)


def exposition(name: str, summary: str, *, of_a_backend: bool = True) -> Schema:
    """A metrics page."""
    answers = {200: as_text("Prometheus' text format")}
    return operation("platform", name, summary, answers | ({404: as_text("no such backend")} if of_a_backend else {}))


def simulator(name: str, summary: str, done: Schema, status: int = 200, **more: Any) -> Schema:
    """An operation that only a simulator has."""
    answers = {status: done, 401: as_text("X-Sim-Token is missing or wrong")}
    if "body" in more:
        answers[400] = as_text("a line for each problem")
    return operation("simulator", name, summary, answers, **more)


def proxy(name: str, summary: str, schema: Schema, **more: Any) -> Schema:
    """An operation that a LiteLLM proxy has."""
    answers: dict[int, Schema] = {status: _shared(f"Proxy{status}") for status in _PROXY_REFUSALS}
    return operation("litellm", name, summary, answers | {200: as_json(schema, "done")}, **more)


def _shared(name: str) -> Schema:
    return {"$ref": f"#/components/responses/{name}"}
