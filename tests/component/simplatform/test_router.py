"""The router's answers that are not streams, and its refusals, row by row."""

from __future__ import annotations

import base64
import math
import struct
from typing import TYPE_CHECKING, Any

import pytest

from raysim.core.pricing import KNOWN_PRICES, cost_usd
from raysim.simplatform.config import LimitsConfig
from tests.component.simplatform.tenant import QUESTION, Tenant, ask, fast_config, make_tenant

if TYPE_CHECKING:
    import httpx

    from tests.component.simplatform.conftest import Start

CHAT = "/v1/chat/completions"


@pytest.fixture(params=["modern", "aiaas"])
async def either(request: pytest.FixtureRequest, start: Start) -> httpx.AsyncClient:
    """A client with a key, of a router in each mode."""
    client = await start(mode=request.param)
    client.headers.update((await make_tenant(client)).auth)
    return client


@pytest.fixture
def client(admin: httpx.AsyncClient, tenant: Tenant) -> httpx.AsyncClient:
    admin.headers.update(tenant.auth)
    return admin


async def test_chat(either: httpx.AsyncClient) -> None:
    answer = await either.post(CHAT, json=ask(temperature=0.7), headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 200
    document = answer.json()
    choice = document["choices"][0]
    assert document["object"] == "chat.completion"
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    usage = document["usage"]
    assert usage["prompt_tokens"] == math.ceil(len(QUESTION[0]["content"]) / 4) + 4
    assert usage["completion_tokens"] == len(choice["message"]["content"].split())
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert answer.headers["x-request-id"] == "r-1"
    assert answer.headers["x-routing-backend"] in ("a", "b")
    assert answer.headers["x-routing-decision"]
    assert answer.headers["x-ratelimit-limit"] == "100"
    assert answer.headers["x-ratelimit-remaining"] == "199"


async def test_the_same_question_has_the_same_answer(either: httpx.AsyncClient) -> None:
    first, second = [(await either.post(CHAT, json=ask())).json()["choices"] for _ in range(2)]
    assert first == second


async def test_max_tokens_cuts_the_answer(either: httpx.AsyncClient) -> None:
    document = (await either.post(CHAT, json=ask(max_tokens=3))).json()
    assert document["usage"]["completion_tokens"] == 3
    assert document["choices"][0]["finish_reason"] == "length"


async def test_newer_fields_count_in_the_modern_router_only(start: Start) -> None:
    for mode, tokens in (("modern", 2), ("aiaas", None)):
        admin = await start(mode=mode)
        auth = (await make_tenant(admin)).auth
        document = (await admin.post(CHAT, json=ask(max_completion_tokens=2), headers=auth)).json()
        assert (document["usage"]["completion_tokens"] == 2) is (tokens == 2)


async def test_ignore_eos_fills_up_to_max_tokens(client: httpx.AsyncClient) -> None:
    document = (await client.post(CHAT, json=ask(max_tokens=40, ignore_eos=True))).json()
    assert document["usage"]["completion_tokens"] == 40


async def test_completions(client: httpx.AsyncClient) -> None:
    document = (await client.post("/v1/completions", json={"model": "gpt-4o", "prompt": "x" * 9})).json()
    assert document["object"] == "text_completion"
    assert document["usage"]["prompt_tokens"] == 3
    assert len(document["choices"][0]["text"].split()) == document["usage"]["completion_tokens"]
    ids = (await client.post("/v1/completions", json={"model": "gpt-4o", "prompt": [5, 6, 7, 8]})).json()
    assert ids["usage"]["prompt_tokens"] == 4


async def test_embeddings(client: httpx.AsyncClient) -> None:
    body = {"model": "text-embedding-3-small", "input": ["a queue", "a cache", "a queue"]}
    document = (await client.post("/v1/embeddings", json=body)).json()
    vectors = [row["embedding"] for row in document["data"]]
    assert vectors[0] == vectors[2] != vectors[1]
    assert math.fsum(x * x for x in vectors[0]) == pytest.approx(1.0)
    assert document["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    coded = (await client.post("/v1/embeddings", json=body | {"encoding_format": "base64"})).json()
    raw = base64.b64decode(coded["data"][0]["embedding"])
    assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(vectors[0], abs=1e-6)


@pytest.mark.parametrize("payload", ["Hello there", {"prompt": "Hello there"}, {"messages": QUESTION, "max_tokens": 2}])
async def test_inference(client: httpx.AsyncClient, payload: object) -> None:
    body = {"request_id": "r-9", "model": "gpt-4o", "payload": payload}
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    document = (await client.post("/v1/inference", json=body, headers={"traceparent": parent})).json()
    usage = document["usage"]
    assert document["output"]["text"]
    assert document["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert usage["cost_usd"] == cost_usd(KNOWN_PRICES["gpt-4o"], usage["tokens_input"], usage["tokens_output"])
    assert usage["limit_state"] == "WITHIN_LIMIT"
    assert usage["latency_ms"] >= 0


async def test_a_bearer_token_works_as_a_key(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await admin.post(CHAT, json=ask(), headers={"Authorization": f"Bearer {tenant.secret}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"X-API-Key": "sk-sim-x"}, {"Authorization": "Basic x"}])
async def test_without_a_key_401(admin: httpx.AsyncClient, headers: dict[str, str]) -> None:
    refused = await admin.post(CHAT, json=ask(), headers=headers | {"X-Request-ID": "r-2"})
    assert refused.status_code == 401
    assert refused.json() == {"error": "invalid api key", "code": "AUTH_INVALID", "trace_id": "r-2"}


@pytest.mark.parametrize("suspended", ["org", "user"])
async def test_the_suspended_401(admin: httpx.AsyncClient, tenant: Tenant, suspended: str) -> None:
    path = f"/v1/orgs/{tenant.org_id}" + ("" if suspended == "org" else f"/users/{tenant.user_id}")
    await admin.patch(path, json={"status": "suspended"})
    refused = await admin.post(CHAT, json=ask(), headers=tenant.auth)
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_INVALID")
    await admin.patch(path, json={"status": "active"})
    assert (await admin.post(CHAT, json=ask(), headers=tenant.auth)).status_code == 200


async def test_an_expired_key_401(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    url = f"/v1/orgs/{tenant.org_id}/users/{tenant.user_id}/api-keys"
    key = (await admin.post(url, json={"expiresInDays": 0})).json()
    refused = await admin.post(CHAT, json=ask(), headers={"X-API-Key": key["secret"]})
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_INVALID")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (CHAT, b"{", "INVALID_REQUEST"),
        (CHAT, b"[]", "INVALID_REQUEST"),
        (CHAT, ask(model=""), "VALIDATION_ERROR"),
        (CHAT, ask(messages=[]), "VALIDATION_ERROR"),
        (CHAT, ask(messages=["x"]), "VALIDATION_ERROR"),
        (CHAT, ask(messages=[{"role": "user", "content": 7}]), "VALIDATION_ERROR"),
        (CHAT, ask(max_tokens=0), "VALIDATION_ERROR"),
        (CHAT, ask(max_tokens="9"), "VALIDATION_ERROR"),
        (CHAT, ask(temperature=3), "VALIDATION_ERROR"),
        (CHAT, ask(stream="yes"), "VALIDATION_ERROR"),
        (CHAT, ask(stream_options=7), "VALIDATION_ERROR"),
        (CHAT, ask(n=2), "VALIDATION_ERROR"),
        (CHAT, ask(model="text-embedding-3-small"), "VALIDATION_ERROR"),
        ("/v1/completions", {"model": "gpt-4o", "prompt": ["a", "b"]}, "VALIDATION_ERROR"),
        ("/v1/completions", {"model": "gpt-4o"}, "VALIDATION_ERROR"),
        ("/v1/embeddings", {"model": "gpt-4o", "input": "x"}, "VALIDATION_ERROR"),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": []}, "VALIDATION_ERROR"),
        ("/v1/inference", {"model": "gpt-4o", "payload": "x"}, "VALIDATION_ERROR"),
    ],
)
async def test_what_is_wrong_400(client: httpx.AsyncClient, path: str, body: Any, code: str) -> None:
    refused = await client.post(path, **({"content": body} if isinstance(body, bytes) else {"json": body}))
    assert (refused.status_code, refused.json()["code"]) == (400, code)


async def test_a_prompt_beyond_the_context_window_400(start: Start) -> None:
    config = fast_config()
    model = config.models[0].model_copy(update={"context_window": 8})
    admin = await start(config.model_copy(update={"models": (model, *config.models[1:])}))
    auth = (await make_tenant(admin)).auth
    refused = await admin.post(CHAT, json=ask(), headers=auth)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
    short = ask(messages=[{"role": "user", "content": "Hi"}])
    cut = (await admin.post(CHAT, json=short, headers=auth)).json()
    assert cut["usage"]["total_tokens"] == 8
    assert cut["choices"][0]["finish_reason"] == "length"


async def test_an_unknown_model_500(client: httpx.AsyncClient) -> None:
    refused = await client.post(CHAT, json=ask(model="gpt-9"))
    assert (refused.status_code, refused.json()["code"]) == (500, "ROUTING_ERROR")


@pytest.mark.parametrize(("size", "status"), [(65_535, 400), (65_536, 413), (1_000_000, 413)])
async def test_a_large_body_413(client: httpx.AsyncClient, size: int, status: int) -> None:
    refused = await client.post(CHAT, content=b"x" * size)
    assert refused.status_code == status
    if status == 413:
        assert refused.headers["content-type"].startswith("text/plain")


async def test_the_rate_limit_429(start: Start) -> None:
    admin = await start(limits=LimitsConfig(org_requests_per_second=0.01, org_burst=2))
    auth = (await make_tenant(admin)).auth
    answers = [await admin.post(CHAT, json=ask(), headers=auth) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    document = answers[2].json()
    assert document["code"] == "RATE_LIMIT_EXCEEDED"
    assert 99 <= document["retry_after_seconds"] <= 100
    assert answers[2].headers["retry-after"] == str(document["retry_after_seconds"])
    assert document["limit_context"] == {
        "current_usage": 2,
        "limit": 2,
        "quota_type": "organization_requests_per_second",
    }
    assert answers[2].headers["x-ratelimit-remaining"] == "0"
    other = await make_tenant(admin, "other")
    assert (await admin.post(CHAT, json=ask(), headers=other.auth)).status_code == 200


async def test_the_budget_402(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await admin.put(f"/v1/orgs/{tenant.org_id}/budget", json={"limit_usd": 1e-4})
    answers = [await admin.post(CHAT, json=ask(), headers=tenant.auth) for _ in range(4)]
    served = [a for a in answers if a.status_code == 200]
    assert 1 <= len(served) < 4
    assert all(a.status_code == 402 for a in answers[len(served) :])
    document = answers[-1].json()
    assert document["code"] == "BUDGET_EXCEEDED"
    spent = math.fsum(
        cost_usd(KNOWN_PRICES["gpt-4o"], a.json()["usage"]["prompt_tokens"], a.json()["usage"]["completion_tokens"])
        for a in served
    )
    assert document["limit_context"]["current_usage"] == pytest.approx(spent, rel=1e-9)
    assert document["limit_context"]["limit"] == 1e-4
    # the cut is within one request when they come one after the other
    assert spent >= 1e-4 > spent - spent / len(served)
    await admin.put(f"/v1/orgs/{tenant.org_id}/budget", json={"limit_usd": None})
    assert (await admin.post(CHAT, json=ask(), headers=tenant.auth)).status_code == 200


async def test_the_quota_402(start: Start) -> None:
    admin = await start(limits=LimitsConfig(org_request_quota=1))
    auth = (await make_tenant(admin)).auth
    answers = [await admin.post(CHAT, json=ask(), headers=auth) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 402]
    assert answers[1].json()["code"] == "QUOTA_EXCEEDED"
    assert answers[1].json()["limit_context"]["limit"] == 1


async def test_a_full_backend_502(start: Start) -> None:
    config = fast_config()
    tiny = config.backends[0].model_copy(update={"kv_cache_tokens": 5})
    admin = await start(config.model_copy(update={"backends": (tiny,)}))
    auth = (await make_tenant(admin)).auth
    refused = await admin.post(CHAT, json=ask(), headers=auth)
    assert (refused.status_code, refused.json()["code"]) == (502, "BACKEND_ERROR")
    assert refused.headers["x-routing-backend"] == "a"


async def test_a_model_without_a_backend_500(start: Start) -> None:
    config = fast_config()
    admin = await start(config.model_copy(update={"backends": config.backends[:1]}))
    auth = (await make_tenant(admin)).auth
    body = {"model": "text-embedding-3-small", "input": "x"}
    refused = await admin.post("/v1/embeddings", json=body, headers=auth)
    assert (refused.status_code, refused.json()["code"]) == (500, "ROUTING_ERROR")


async def test_status_models_and_backends(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/v1/status/healthz")).status_code == 200
    assert (await admin.get("/v1/status/readyz")).json()["status"] == "ready"
    models = (await admin.get("/v1/models")).json()
    assert [m["id"] for m in models["data"]] == ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"]
    backends = (await admin.get("/v1/admin/routing/backends")).json()["backends"]
    assert [b["backend_id"] for b in backends] == ["a", "b", "e"]
    assert all(b["health_status"] == "healthy" for b in backends)
    shown = await admin.get(f"{backends[0]['uri']}/metrics")
    assert 'vllm:num_requests_running{engine="0",model_name="gpt-4o"} 0.0' in shown.text
    assert "api_router" not in shown.text
    assert (await admin.get("/backends/none/metrics")).status_code == 404


async def test_get_is_not_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.get(CHAT)).status_code == 405
