"""The OpenAPI document has the routes that the code has, and answers are as it says.

The answers to all other tests of this folder are held against it as well, by their fixture `start`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from raysim.simplatform import litellm
from raysim.simplatform.admin_access import AdminAccess
from raysim.simplatform.config import AdminConfig
from raysim.simplatform.openai_request import Endpoint
from raysim.simplatform.operations import Operations
from raysim.simplatform.org_service import OrgService
from raysim.simplatform.state import PlatformState
from tests.component.simplatform.contract import DOCUMENT, problems, resolved
from tests.component.simplatform.tenant import Tenant, ask, events, fast_config, make_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.component.simplatform.conftest import Start

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


async def test_the_document_has_the_routes_of_the_code() -> None:
    state = PlatformState(fast_config())
    proxy = litellm.LitellmAdmin(state, AdminAccess(AdminConfig(), "token"))._handlers
    state.close()
    real = {*proxy, *(("GET", path) for path in litellm._HEALTH), *(("POST", place.value) for place in Endpoint)}
    real |= {*matched(Operations.answer), *matched(Operations._simulator, "/sim"), *matched(OrgService._handlers)}
    real |= {*matched(OrgService._org_handlers, "/v1/orgs/{}")}
    described = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == real


def matched(function: Callable[..., object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The routes of a `match` over a path, or over a method and a path. Captures are `{}`; what has a star leads on."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for case in (node for node in ast.walk(tree) if isinstance(node, ast.match_case)):
        keys = [key for node in ast.walk(case) if isinstance(node, ast.Dict) for key in node.keys]
        methods = {str(key.value) for key in keys if isinstance(key, ast.Constant)} & METHODS
        parts = case.pattern.patterns if isinstance(case.pattern, ast.MatchSequence) else []
        if len(parts) == 2 and isinstance(parts[1], ast.MatchSequence):
            methods, parts = METHODS & set(spellings(parts[0])), parts[1].patterns
        if not any(isinstance(part, ast.MatchStar) for part in parts):
            paths = ["".join(f"/{word}" for word in words) for words in product(*map(spellings, parts))]
            yield from product(methods, (prefix + path for path in paths))


def spellings(pattern: ast.pattern) -> list[str]:
    """What a pattern of one step matches; `{}` for anything."""
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str(word))):
            return [word]
        case ast.MatchOr(patterns=several):
            return [word for one in several for word in spellings(one)]
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return spellings(inner)
        case _:
            return ["{}"]


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_everything_that_is_referred_to_is_there_and_nothing_else() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from (part[key] for key in part if key == "$ref")
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                yield from references(inner)

    components = DOCUMENT["components"]
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    # what only streams hold stands in texts
    assert there - {f"#/components/schemas/{name}" for name in ("ChatChunk", "CompletionChunk")} == set(
        references(DOCUMENT)
    )


@pytest.mark.parametrize(
    ("path", "asked", "chunk"),
    [
        ("/v1/chat/completions", ask(), "ChatChunk"),
        ("/v1/completions", {"model": "gpt-4o", "prompt": "Once"}, "CompletionChunk"),
    ],
)
async def test_streams(admin: httpx.AsyncClient, path: str, asked: dict[str, Any], chunk: str) -> None:
    tenant = await make_tenant(admin)
    body = asked | {"stream": True, "stream_options": {"include_usage": True}}
    answer = await admin.post(path, json=body, headers=tenant.auth)
    found = events(answer.text)
    assert len(found) > 3
    assert [p for event in found for p in problems({"$ref": f"#/components/schemas/{chunk}"}, event)] == []


async def test_what_no_other_test_asks(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    asked: dict[str, Any] = {"request_id": "r", "model": "gpt-4o", "payload": "Why?"}
    for path, body in (
        ("/v1/inference", asked),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
        ("/v1/completions", {"model": "gpt-4o", "prompt": "Once"}),
        ("/v1/chat/completions", {"model": "gpt-4o"}),
    ):
        await admin.post(path, json=body, headers=tenant.auth)
    for path in (
        "/metrics",
        "/backends/a/metrics",
        "/backends/a/dcgm/metrics",
        "/backends/none/metrics",
        "/sim/faults",
    ):
        await admin.get(path)


async def test_litellm_s_administration(start: Start) -> None:
    admin = await start(mode="litellm")
    await admin.post("/team/new", json={"team_id": "t", "team_alias": "T", "max_budget": 1})
    await admin.post("/team/update", json={"team_id": "t", "max_budget": None})
    await admin.post("/user/new", json={"user_id": "u", "teams": ["t"]})
    key = (await admin.post("/key/generate", json={"user_id": "u", "key_alias": "k", "duration": "1d"})).json()
    for path in ("/team/info?team_id=t", "/team/list", "/user/info?user_id=u", "/user/list", "/health/readiness"):
        assert (await admin.get(path)).status_code == 200
    assert (await admin.get("/key/info", params={"key": key["token"]})).status_code == 200
    for path, body in (
        ("/key/delete", {"key_aliases": ["k"]}),
        ("/user/delete", {"user_ids": ["u"]}),
        ("/team/delete", {"team_ids": ["t"]}),
    ):
        assert (await admin.post(path, json=body)).status_code == 200
    refused = [await admin.get("/team/info?team_id=none"), await admin.post("/user/new", json={"user_id": "u"})]
    assert [answer.status_code for answer in refused] == [404, 400]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Budget", {"orgId": "x", "limit_usd": None}),
        ("Models", {"object": "list", "data": [], "more": 1}),
        ("KeyAnswer", {"valid": True, "message": "no"}),
    ],
)
def test_a_wrong_answer_would_be_found(name: str, value: object) -> None:
    assert problems({"$ref": f"#/components/schemas/{name}"}, value)


def test_requests_that_the_platform_refuses_are_not_in_its_schemas() -> None:
    schema = resolved({"$ref": "#/components/schemas/ChatRequest"})
    assert problems(schema, ask(max_tokens=0))
    assert problems(schema, {"model": "gpt-4o", "messages": []})
    assert not problems(schema, ask(max_tokens=5, stream=True))
