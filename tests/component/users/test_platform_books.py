"""What packs record, held against the books of the simulated platform they used."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.endpoint import PATHS, EndpointKind, EndpointPlan
from raysim.core.behaviour.prompts import PromptPlan
from raysim.core.records.outcome import ErrorKind
from raysim.simplatform.config import Faults, LimitsConfig
from raysim.simplatform.server import start_platform
from tests.component.simplatform.tenant import Tenant, fast_config, ledger, make_tenant
from tests.component.users.stage import Row, Stage, make_behaviour, make_brief


@dataclass
class Platform:
    """A simulated platform with one tenant."""

    url: str
    admin: httpx.AsyncClient
    tenant: Tenant

    async def books(self) -> dict[str, Any]:
        return await ledger(self.admin)


Start = Callable[..., Awaitable[Platform]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(**changes: Any) -> Platform:
            running = await start_platform(fast_config(**changes), "127.0.0.1")
            stack.push_async_callback(running.close)
            headers = {"Authorization": f"Bearer {running.admin_token}"}
            admin = await stack.enter_async_context(httpx.AsyncClient(base_url=running.url, headers=headers))
            return Platform(running.url, admin, await make_tenant(admin))

        yield begin


async def play(platform: Platform, *, users: int, requests: int, **behaviour: Any) -> Stage:
    """Let the users ask until each has asked `requests` questions or was sent away."""
    brief = make_brief(platform.url, users, make_behaviour(**behaviour), max_requests=requests)
    stage = Stage(brief, keys=[platform.tenant.secret] * users, debug=True)
    stage.coordinator.switch(*range(users))
    await stage.all_gone()
    end = await stage.end()
    assert (end.unsent_batches, end.cut_off) == (0, False)
    assert end.totals == stage.coordinator.statuses[-1].totals
    assert platform.tenant.secret.encode() not in stage.records.everything
    return stage


def assert_booked(stage: Stage, books: dict[str, Any]) -> list[Row]:
    """The records' requests, tokens and dollars are the platform's."""
    rows, entries = stage.records.rows, {entry["request_id"]: entry for entry in books["requests"]}
    assert len(rows) == len({row["request_id"] for row in rows})
    assert {row["request_id"] for row in rows} == set(entries)
    for row in rows:
        entry = entries[row["request_id"]]
        if row["error_type"] == "":
            assert entry["status"] == "served"
            for field in ("prompt_tokens", "completion_tokens"):
                assert row[field] == entry[field]
            assert row["cost_usd"] == entry["usd"]
            assert row["token_source"] == "usage"
    total = stage.coordinator.statuses[-1].totals
    assert total.requests == len(rows) == books["total"]["requests"]["total"]
    assert total.success == books["total"]["requests"]["served"]
    assert total.prompt_tokens == books["total"]["prompt_tokens"]
    assert total.completion_tokens == books["total"]["completion_tokens"]
    assert math.isclose(total.cost_usd, books["total"]["usd"], rel_tol=1e-12)
    assert math.isclose(sum(row["cost_usd"] for row in rows), books["total"]["usd"], rel_tol=1e-12)
    return rows


async def test_streamed_answers_are_booked_alike(start: Start) -> None:
    platform = await start()
    stage = await play(platform, users=3, requests=6, multi_turn_probability=0.5, turns=make_behaviour().turns)
    rows = assert_booked(stage, await platform.books())
    assert len(rows) == 18
    for row in rows:
        assert row["streamed"]
        assert row["chunks"] > 0
        assert (
            0
            <= row["sent_ns"]
            <= row["first_byte_ns"]
            <= row["first_token_ns"]
            <= row["last_token_ns"]
            <= row["end_ns"]
        )
        assert row["first_output_ns"] == row["first_token_ns"]
        assert len(row["chunk_gaps_us"]) == row["chunks"] - 1
        assert (row["backend"] in {"a", "b"}, row["http_status"], row["phase"]) == (True, 200, "sustained")
        assert row["reserved_usd"] > 0
        assert not row["excluded"]
    assert len({row["question_hash"] for row in rows}) == 18
    assert {row["connect_ns"] > 0 for row in rows} == {True, False}


@pytest.mark.parametrize("mode", ["modern", "aiaas"])
async def test_whole_answers_are_booked_alike(start: Start, mode: str) -> None:
    platform = await start(mode=mode)
    stage = await play(platform, users=2, requests=4, streaming=False)
    for row in assert_booked(stage, await platform.books()):
        assert not row["streamed"]
        assert (row["error_type"], row["first_token_ns"], row["last_token_ns"], row["chunks"]) == ("", -1, -1, 0)
        assert row["completion_tokens"] > 0


@pytest.mark.parametrize("kind", ["chat", "completions", "embeddings"])
async def test_prompts_have_their_target_length_by_the_platforms_own_count(start: Start, kind: EndpointKind) -> None:
    platform = await start()
    template = {"model": "text-embedding-3-small"} if kind == "embeddings" else None
    endpoint = EndpointPlan(kind=kind, path=PATHS[kind], template=template)
    target = Distribution("uniform", 200.0, 1500.0)
    stage = await play(
        platform,
        users=2,
        requests=12,
        endpoints=(endpoint,),
        prompts=PromptPlan(target=target, shared_prefix_tokens=100),
        system_prompt="Be brief.",
    )
    rows, books = stage.records.rows, await platform.books()
    assert sum(row["prompt_tokens"] for row in rows) == books["total"]["prompt_tokens"]
    assert len({row["prompt_target_tokens"] for row in rows}) > 15
    for row in rows:
        assert 200 <= row["prompt_target_tokens"] <= 1500
        # where system prompt and question are no messages, each has four tokens less; and a word may be missing
        assert -12 <= row["prompt_tokens"] - row["prompt_target_tokens"] <= 0
        # what is reserved is what it costs, or a little more
        assert row["reserved_usd"] >= row["cost_usd"]


async def test_prompts_that_are_repeated_are_the_same_to_the_letter(start: Start) -> None:
    platform = await start()
    plan = PromptPlan(target=Distribution("uniform", 300.0, 600.0), cache="repeat", repeat_questions=3)
    stage = await play(platform, users=3, requests=8, prompts=plan)
    rows = assert_booked(stage, await platform.books())
    assert len({row["question_hash"] for row in rows}) == 3
    assert len({(row["question_hash"], row["prompt_tokens"]) for row in rows}) == 3


async def test_a_spent_budget_sends_users_away(start: Start) -> None:
    platform = await start(limits=LimitsConfig(org_budget_usd=0.0001))
    stage = await play(platform, users=2, requests=50)
    assert stage.coordinator.gone == {0: "budget_exceeded", 1: "budget_exceeded"}
    rows = assert_booked(stage, await platform.books())
    refused = [row for row in rows if row["error_type"]]
    assert {row["error_type"] for row in refused} == {"budget_exceeded"}
    assert {row["http_status"] for row in refused} == {402}
    assert [row["cost_usd"] for row in refused] == [0.0] * len(refused)
    total = stage.coordinator.statuses[-1].totals
    assert (total.refused, total.error) == (len(refused), 0)
    assert b"user_left" in stage.records.log


async def test_a_spent_quota_sends_users_away(start: Start) -> None:
    platform = await start(limits=LimitsConfig(org_request_quota=3))
    stage = await play(platform, users=1, requests=50)
    assert stage.coordinator.gone == {0: "quota_exceeded"}
    assert len(assert_booked(stage, await platform.books())) == 4


async def test_a_key_that_is_not_known_sends_its_user_away(start: Start) -> None:
    platform = await start()
    brief = make_brief(platform.url, 1, max_requests=50)
    stage = Stage(brief, keys=["not-a-key"])
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    assert stage.coordinator.gone == {0: "auth"}
    assert [row["error_type"] for row in stage.records.rows] == ["auth"]


async def test_a_cut_stream_is_an_error_whose_tokens_were_paid(start: Start) -> None:
    platform = await start(faults=Faults(cut_stream_rate=1.0))
    stage = await play(platform, users=1, requests=1)
    (row,) = stage.records.rows
    assert row["error_type"] == ErrorKind.STREAM_INTERRUPTED
    assert row["completion_tokens"] == row["chunks"]
    assert row["token_source"] == ("chunks" if row["chunks"] else "")
    (entry,) = (await platform.books())["requests"]
    assert (entry["status"], entry["completion_tokens"]) == ("failed_cut", row["chunks"])


async def test_faults_are_named(start: Start) -> None:
    platform = await start(faults=Faults(error_rate=1.0, error_status=503))
    stage = await play(platform, users=1, requests=1)
    assert [(row["error_type"], row["http_status"]) for row in stage.records.rows] == [("overloaded", 503)]
    platform = await start(faults=Faults(reset_rate=1.0))
    stage = await play(platform, users=1, requests=1)
    assert [(row["error_type"], row["http_status"]) for row in stage.records.rows] == [("connection_reset", -1)]
