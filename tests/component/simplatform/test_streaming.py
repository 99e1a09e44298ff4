from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from raysim.simplatform.config import BackendConfig
from tests.component.simplatform.tenant import Tenant, ask, events, fast_config, ledger, make_tenant, writes

if TYPE_CHECKING:
    import httpx

    from tests.component.simplatform.conftest import Start

CHAT = "/v1/chat/completions"


async def test_a_chat_stream_has_the_shape_of_openai(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    body = ask(stream=True, stream_options={"include_usage": True})
    answer = await admin.post(CHAT, json=body, headers=tenant.auth)
    assert answer.headers["content-type"].startswith("text/event-stream")
    role, *content, finish, usage = events(answer.text)
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert finish["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(content)
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in content)
    assert len({chunk["id"] for chunk in (role, *content, finish, usage)}) == 1
    whole = (await admin.post(CHAT, json=ask(), headers=tenant.auth)).json()
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in content)
    assert text == whole["choices"][0]["message"]["content"]
    assert usage["usage"] == whole["usage"]


async def test_usage_is_only_sent_when_asked_for(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await admin.post(CHAT, json=ask(stream=True, max_tokens=2), headers=tenant.auth)
    *_, finish = events(answer.text)
    assert finish["choices"][0]["finish_reason"] == "length"
    assert not any(event.get("usage") for event in events(answer.text))


async def test_a_text_completion_streams(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    body = {"model": "gpt-4o", "prompt": "Once", "stream": True, "max_tokens": 4}
    answer = await admin.post("/v1/completions", json=body, headers=tenant.auth)
    *content, finish = events(answer.text)
    assert len(content) == 4
    assert content[0]["object"] == "text_completion"
    assert all(chunk["choices"][0]["text"] for chunk in content)
    assert finish["choices"][0]["text"] == ""
    assert finish["choices"][0]["finish_reason"] == "length"


async def test_the_real_router_of_today_cannot_stream(start: Start) -> None:
    admin = await start(mode="aiaas")
    auth = (await make_tenant(admin)).auth
    refused = await admin.post(CHAT, json=ask(stream=True), headers=auth)
    assert (refused.status_code, refused.json()["code"]) == (502, "BACKEND_ERROR")
    assert (await ledger(admin))["total"]["requests"]["failed_error"] == 1


async def test_tokens_are_written_as_they_are_generated() -> None:
    slow = BackendConfig(id="s", models=("gpt-4o",), prefill_base=0, step_base=0.02, step_per_sequence=0)
    config = fast_config().model_copy(update={"backends": (slow,)})
    parts = await writes(config, ask(stream=True, max_tokens=6))
    # a late event loop may join steps, never split or empty them
    assert 1 < len(parts) <= 6
    assert all(b'"content":"' in part for part in parts)
    assert parts[0].startswith(b"HTTP/1.1 200 OK")
    assert parts[-1].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_headers_can_come_before_the_first_token(start: Start) -> None:
    never = BackendConfig(id="n", models=("gpt-4o",), prefill_base=1000)
    admin = await start(fast_config().model_copy(update={"backends": (never,), "early_headers": True}))
    auth = (await make_tenant(admin)).auth
    async with admin.stream("POST", CHAT, json=ask(stream=True), headers=auth) as answer:
        assert answer.status_code == 200
        assert '"role":"assistant"' in await anext(answer.aiter_text())


async def test_a_client_that_leaves_frees_its_slot(start: Start) -> None:
    backend = BackendConfig(id="s", models=("gpt-4o",), slots=1, prefill_base=0, step_base=0.005)
    admin = await start(fast_config().model_copy(update={"backends": (backend,)}))
    auth = (await make_tenant(admin)).auth
    endless = ask(stream=True, ignore_eos=True, max_tokens=100_000)
    async with admin.stream("POST", CHAT, json=endless, headers=auth) as answer:
        await anext(answer.aiter_text())
    after = await admin.post(CHAT, json=ask(max_tokens=1), headers=auth)
    assert after.status_code == 200
    books = await ledger(admin)
    assert books["total"]["requests"]["cancelled"] == 1
    cancelled = next(r for r in books["requests"] if r["status"] == "cancelled")
    assert 0 < cancelled["completion_tokens"] < 100_000


@pytest.mark.parametrize("streams", [40])
async def test_parallel_streams_are_complete(admin: httpx.AsyncClient, streams: int) -> None:
    auth = (await make_tenant(admin)).auth
    body = ask(stream=True, stream_options={"include_usage": True})
    answers = await asyncio.gather(*(admin.post(CHAT, json=body, headers=auth) for _ in range(streams)))
    for answer in answers:
        _, *content, _, usage = events(answer.text)
        assert usage["usage"]["completion_tokens"] == len(content)
    books = await ledger(admin)
    assert books["total"]["requests"]["served"] == streams
    assert 1 < books["total"]["peak_streams"] <= streams
    assert {answer.headers["x-routing-backend"] for answer in answers} == {"a", "b"}
