"""The OpenAPI document as a judge of answers."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from raysim.simplatform.openapi import openapi_document

if TYPE_CHECKING:
    import httpx

DOCUMENT = openapi_document()


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Those without parameters first, as they win."""
    paths = sorted(DOCUMENT["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of this request; None when it is not in it."""
    template = next((template for pattern, template in _templates() if pattern.fullmatch(path)), "")
    found: dict[str, Any] | None = DOCUMENT["paths"].get(template, {}).get(method.lower())
    return found


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """`part`, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = DOCUMENT
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft202012Validator(schema)


def problems(schema: dict[str, Any], value: object) -> list[str]:
    """What is wrong with `value`; empty when it is as `schema` has it."""
    if "$ref" in schema:
        validator = _validator(schema["$ref"].rpartition("/")[2])
    else:
        validator = Draft202012Validator(schema | {"components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def breaches(response: httpx.Response) -> list[str]:
    """How a complete answer differs from the document; the content of streams is not looked at."""
    request = response.request
    shown = f"{request.method} {request.url.path} answered {response.status_code}"
    described = operation_of(request.method, request.url.path)
    if described is None:
        return [] if response.status_code in (401, 404, 405) else [f"{shown}, and is not in the document"]
    answer = described["responses"].get(str(response.status_code))
    if answer is None:
        return [f"{shown}, which the document does not know"]
    content = resolved(answer).get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    if not content:
        return [f"{shown} with a body"] if response.content else []
    if kind not in content:
        return [f"{shown} with {kind!r}"]
    if kind != "application/json" or request.method == "HEAD":
        return []
    return [f"{shown}: {problem}" for problem in problems(content[kind]["schema"], response.json())]
