"""Users that call a mix of endpoints of a simulated platform, held against its books."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import orjson
import pytest

from raysim.core.behaviour.endpoint import CHAT, PATHS, EndpointPlan
from raysim.core.behaviour.expectation import Expectation
from raysim.simplatform.server import RunningPlatform, start_platform
from tests.component.simplatform.tenant import Tenant, fast_config, ledger, make_tenant
from tests.component.users.stage import KEY, Row, Stage, flat, make_behaviour, make_brief
from tests.component.wire.scripted_server import Script, ScriptedServer, answer, whole

EMBEDDINGS = EndpointPlan("embeddings", path=PATHS["embeddings"], template={"model": "text-embedding-3-small"})
COMPLETIONS = EndpointPlan("completions", path=PATHS["completions"])
SAME_ORG = Expectation(json_path=("orgId",), compare=True, equals="{org_id}")
ORGS = EndpointPlan("orgs", method="GET", path=PATHS["orgs"], expects=SAME_ORG)
INFERENCE = EndpointPlan(
    "custom",
    path="/v1/inference",
    template={
        "request_id": "{request_id}",
        "model": "{model}",
        "payload": {"prompt": "{question}", "max_tokens": "{max_tokens}"},
    },
    expects=Expectation(json_path=("output", "text")),
)


class Platform:
    """A simulated platform with one tenant."""

    def __init__(self, running: RunningPlatform, admin: httpx.AsyncClient, tenant: Tenant) -> None:
        self.url = running.url
        self.token = running.admin_token
        self.admin = admin
        self.tenant = tenant

    async def play(self, *endpoints: EndpointPlan, requests: int, **changes: Any) -> Stage:
        """One user that asks so often; returns once it has left."""
        behaviour = make_behaviour(endpoints=endpoints, **changes)
        brief = make_brief(self.url, 1, behaviour, max_requests=requests)
        stage = Stage(brief, keys=[self.tenant.secret], ids=(self.tenant.org_id, self.tenant.user_id), debug=True)
        stage.coordinator.tokens = [self.token]
        stage.coordinator.switch(0)
        await stage.all_gone()
        await stage.end()
        for secret in (self.tenant.secret, self.token):
            assert secret.encode() not in stage.records.everything
        return stage


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_platform(fast_config(), "127.0.0.1")
    headers = {"Authorization": f"Bearer {running.admin_token}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as admin:
        yield Platform(running, admin, await make_tenant(admin))
    await running.close()


def errors(rows: list[Row]) -> set[str]:
    return {f"{row['error_type']} {row['error_detail']}".strip() for row in rows}


async def test_a_mix_is_booked_alike(platform: Platform) -> None:
    stage = await platform.play(CHAT, COMPLETIONS, EMBEDDINGS, ORGS, INFERENCE, requests=60)
    rows, books = stage.records.rows, await ledger(platform.admin)
    assert errors(rows) == {""}
    assert {row["endpoint"] for row in rows} == {"chat", "completions", "embeddings", "orgs", "/v1/inference"}
    at_router = [row for row in rows if row["endpoint"] != "orgs"]
    entries = {entry["request_id"]: entry for entry in books["requests"]}
    assert {row["request_id"] for row in at_router} == set(entries)
    for row in at_router:
        entry = entries[row["request_id"]]
        assert (row["prompt_tokens"], max(0, row["completion_tokens"])) == (
            entry["prompt_tokens"],
            entry["completion_tokens"],
        )
        assert (row["cost_usd"], row["model"]) == (entry["usd"], entry["model"])
        assert (row["token_source"], row["attempts"]) == ("usage", 1)
    assert math.isclose(sum(row["cost_usd"] for row in rows), books["total"]["usd"], rel_tol=1e-12)
    assert {row["question_hash"] for row in rows if row["endpoint"] == "orgs"} == {0}
    assert len({row["question_hash"] for row in at_router}) == len(at_router)


async def test_what_an_answer_does_not_have_is_absent(platform: Platform) -> None:
    stage = await platform.play(EMBEDDINGS, ORGS, requests=12)
    kinds = Counter(row["endpoint"] for row in stage.records.rows)
    assert set(kinds) == {"embeddings", "orgs"}
    for row in stage.records.rows:
        for name in ("first_token_ns", "first_output_ns", "last_token_ns", "completion_tokens", "max_tokens"):
            assert row[name] == -1
        assert (row["chunks"], row["streamed"], row["conversation_id"], row["turn"]) == (0, False, "", 1)
        assert 0 <= row["sent_ns"] <= row["first_byte_ns"] <= row["end_ns"]
        if row["endpoint"] == "orgs":
            assert (row["prompt_tokens"], row["token_source"], row["model"], row["strategy"]) == (-1, "", "", "")
            assert (row["cost_usd"], row["reserved_usd"]) == (0.0, 0.0)
        else:
            assert row["prompt_tokens"] > 0
            assert row["cost_usd"] > 0


async def test_other_endpoints_leave_a_conversation_alone(platform: Platform) -> None:
    stage = await platform.play(
        CHAT,
        EMBEDDINGS,
        requests=20,
        multi_turn_probability=1.0,
        turns=flat(50),
        questions_per_session=flat(50),
    )
    chats = [row for row in stage.records.rows if row["endpoint"] == "chat"]
    assert 0 < len(chats) < 20
    assert [row["turn"] for row in chats] == list(range(1, len(chats) + 1))
    assert len({row["conversation_id"] for row in chats}) == 1
    assert chats[-1]["prompt_tokens"] > chats[0]["prompt_tokens"]


async def test_completions_are_streamed_token_by_token(platform: Platform) -> None:
    stage = await platform.play(COMPLETIONS, requests=2)
    for row in stage.records.rows:
        assert row["streamed"]
        assert row["chunks"] == row["completion_tokens"] > 0
        assert row["sent_ns"] < row["first_token_ns"] <= row["last_token_ns"] <= row["end_ns"]


async def test_a_template_can_ask_for_a_whole_answer(platform: Platform) -> None:
    whole_chat = EndpointPlan(template={"stream": False, "max_tokens": 3})
    stage = await platform.play(whole_chat, requests=2)
    for row in stage.records.rows:
        assert (row["error_type"], row["streamed"], row["first_token_ns"]) == ("", False, -1)
        assert row["completion_tokens"] == row["max_tokens"] == 3


@pytest.mark.parametrize(
    ("expects", "error"),
    [
        (Expectation(status=200, contains="usage"), ""),
        (Expectation(json_path=("choices", 0, "finish_reason"), compare=True, equals="stop"), ""),
        (Expectation(status=201), "expectation_failed status 200 instead of 201"),
        (Expectation(json_path=("model",), compare=True, equals="x"), "expectation_failed $.model is 'gpt-4o' instead"),
    ],
)
async def test_expectations_are_judged(platform: Platform, expects: Expectation, error: str) -> None:
    stage = await platform.play(EndpointPlan(template={"stream": False}, expects=expects), requests=1)
    (row,) = stage.records.rows
    assert " ".join(errors([row])).startswith(error)
    assert bool(row["error_type"]) == bool(error)
    assert (row["http_status"], row["cost_usd"] > 0) == (200, True)


async def test_a_refusal_that_was_asked_for_is_a_success_that_costs_nothing(platform: Platform) -> None:
    strange = EndpointPlan(template={"temperature": 9}, expects=Expectation(status=400))
    stage = await platform.play(strange, requests=1)
    (row,) = stage.records.rows
    assert (row["error_type"], row["http_status"], row["token_source"]) == ("", 400, "")
    assert (row["prompt_tokens"], row["cost_usd"]) == (-1, 0.0)


async def test_another_organisation_is_not_the_right_one(platform: Platform) -> None:
    platform.tenant.org_id = "6dd0b2a6-0000-4000-8000-000000000000"
    stage = await platform.play(ORGS, requests=1)
    (row,) = stage.records.rows
    assert row["error_type"] == "expectation_failed"
    assert row["http_status"] == 200


# ── the administrator's token ──


Serve = Callable[..., Awaitable[ScriptedServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def begin(*scripts: Script) -> ScriptedServer:
            return await stack.enter_async_context(ScriptedServer(*scripts))

        yield begin


ORG = whole(b'{"orgId":"org-id"}')


async def test_the_organisation_service_gets_the_administrators_token_and_the_router_never_does(serve: Serve) -> None:
    server = await serve(answer(ORG))
    lone = EndpointPlan("custom", path="/models/{user_id}", method="GET")
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, make_behaviour(endpoints=(ORGS, lone)), max_requests=8)
    stage = Stage(brief)
    stage.coordinator.tokens = ["the-admin-s-token"]
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    for request in server.requests:
        line, *headers = request.decode().split("\r\n")
        expected = "the-admin-s-token" if "/v1/orgs/" in line else KEY
        assert line in ("GET /v1/orgs/org-id HTTP/1.1", "GET /models/user-id HTTP/1.1")
        assert [h for h in headers if h.startswith("Authorization")] == [f"Authorization: Bearer {expected}"]
    assert {request.split(b" ")[1] for request in server.requests} == {b"/v1/orgs/org-id", b"/models/user-id"}
    assert stage.coordinator.lent == [False]


async def test_a_token_that_ended_is_replaced_and_nobody_leaves(serve: Serve) -> None:
    refusal = whole(b"unauthorized: old-token", "401 Unauthorized", "Retry-After: 0")

    async def script(peer: Any) -> None:
        while True:
            request = await peer.request()
            await peer.send(refusal if b"old-token" in request else ORG)

    server = await serve(script)
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, make_behaviour(endpoints=(ORGS,)), max_requests=3)
    stage = Stage(brief)
    stage.coordinator.tokens = ["old-token", "new-token"]
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    assert [row["error_type"] for row in stage.records.rows] == ["auth", "", ""]
    assert stage.records.rows[0]["error_detail"] == "401 unauthorized: ***"
    assert stage.coordinator.gone == {0: "request_limit"}
    assert stage.coordinator.lent == [False, True]


async def test_without_a_token_nothing_is_sent(serve: Serve) -> None:
    server = await serve(answer(ORG))
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, make_behaviour(endpoints=(ORGS,)), max_requests=1)
    stage = Stage(brief)
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    (row,) = stage.records.rows
    assert (row["error_type"], row["sent_ns"], row["attempts"]) == ("auth", -1, 0)
    assert "no administrator's token" in row["error_detail"]
    assert server.requests == []


async def test_uncounted_embeddings_are_priced_by_their_prompt(serve: Serve) -> None:
    server = await serve(answer(whole(orjson.dumps({"data": [{"embedding": [0.5]}]}))))
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, make_behaviour(endpoints=(EMBEDDINGS,)), max_requests=1)
    stage = Stage(brief)
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    (row,) = stage.records.rows
    assert (row["token_source"], row["completion_tokens"]) == ("estimate", -1)
    assert row["prompt_tokens"] > 0
    assert row["cost_usd"] > 0
    # the platform may have counted more than was estimated
    assert row["cost_usd"] + row["unverified_usd"] == pytest.approx(row["reserved_usd"])


async def test_without_a_key_none_is_sent_and_nothing_is_hidden(serve: Serve) -> None:
    server = await serve(answer(whole(b"who are you?", "401 Unauthorized")))
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, max_requests=1)
    stage = Stage(brief, keys=[""])
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    (row,) = stage.records.rows
    assert row["error_detail"] == "401 who are you?"
    assert b"Authorization" not in server.requests[0]
