from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from time import monotonic_ns
from typing import Any

import orjson
import pytest

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.behaviour.distributions import Distribution
from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.request import RequestRecord
from raysim.core.secret import Secret
from raysim.users.identity import Identity
from raysim.users.lag import LagMeter
from raysim.users.sender import Sender, wall_offset_ns
from raysim.users.user import User
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts
from raysim.wire.tokenizer import TokenCounter
from tests.component.users.stage import KEY, flat, make_behaviour, make_brief
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import (
    STREAM_END,
    STREAM_HEAD,
    Peer,
    Script,
    ScriptedServer,
    answer,
    chunked,
    whole,
)
from tests.unit.wire.chunks import DONE, ROLE, STOP, event, usage, words

WHOLE = whole(
    orjson.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": usage(7, 2)})
)
SILENT = whole(orjson.dumps({"choices": [{"message": {"content": "Hello there"}}]}))


class Actor:
    """One user on its own, with what it has left behind."""

    def __init__(
        self,
        server: ScriptedServer,
        behaviour: Behaviour,
        max_requests: int | None = None,
        counter: TokenCounter | None = None,
    ) -> None:
        self.run_start_ns = monotonic_ns()
        self.wall_offset_ns = wall_offset_ns()
        self.records: list[RequestRecord] = []
        self.left: list[tuple[int, str]] = []
        self.server = server
        brief: PackBrief = make_brief(f"http://127.0.0.1:{server.port}", 1, behaviour, max_requests=max_requests)
        plan = brief.pack.users[0]
        client = HttpClient(HttpTarget.of(brief.target.router_url, timeouts=Timeouts(2.0, 5.0, 5.0)))
        sender = Sender(brief, Identity(plan, Secret(KEY)), client, LagMeter(), counter=counter)
        self.user = User(brief, plan, sender, self, self._take, lambda user, why: self.left.append((user, why)))
        self._news = asyncio.Event()
        self.user.start()

    def _take(self, record: RequestRecord) -> None:
        self.records.append(record)
        self._news.set()

    async def until(self, requests: int) -> None:
        """Wait for so many records."""
        async with asyncio.timeout(10):
            while len(self.records) < requests:
                self._news.clear()
                await self._news.wait()

    @property
    def questions(self) -> list[list[dict[str, str]]]:
        """The messages of every request that the server got."""
        return [orjson.loads(request.partition(b"\r\n\r\n")[2])["messages"] for request in self.server.requests]


Enter = Callable[..., Awaitable[Actor]]


@pytest.fixture
async def enter() -> AsyncIterator[Enter]:
    """Bring a user on before a scripted server; at the end it has to go without leaving a connection open."""
    async with AsyncExitStack() as stack:
        actors: list[Actor] = []

        async def begin(
            *scripts: Script, max_requests: int | None = None, counter: TokenCounter | None = None, **behaviour: Any
        ) -> Actor:
            server = await stack.enter_async_context(ScriptedServer(*scripts))
            actor = Actor(server, make_behaviour(**behaviour), max_requests, counter)
            actors.append(actor)
            return actor

        yield begin
        for actor in actors:
            actor.user.abort()
            async with asyncio.timeout(5):
                await actor.user.done()
            assert not actor.user.active


async def test_thinking_is_planned_and_measured(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), think_s=flat(0.02, 0.04))
    actor.user.activate()
    await actor.until(4)
    first, *others = actor.records[:4]
    assert math.isnan(first.think_s)
    assert math.isnan(first.think_planned_s)
    for before, record in zip(actor.records, others, strict=False):
        assert 0.02 <= record.think_planned_s <= 0.04
        assert record.think_s >= record.think_planned_s - 0.001
        assert record.due_unix_ns - before.due_unix_ns >= before.end_ns + 0.019e9
        assert record.sent_ns >= 0


async def test_being_told_twice_to_come_hurries_nobody(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), think_s=flat(0.15))
    actor.user.activate()
    await actor.until(1)
    for _ in range(10):
        await asyncio.sleep(0.005)
        actor.user.activate()
    await actor.until(2)
    record = actor.records[1]
    assert record.think_s >= 0.149
    assert record.sent_ns >= 0


async def test_going_and_coming_back_while_thinking_hurries_nobody(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), think_s=flat(0.15))
    actor.user.activate()
    await actor.until(1)
    await asyncio.sleep(0.01)
    actor.user.deactivate()
    actor.user.activate()
    await actor.until(2)
    assert actor.records[1].think_s >= 0.149


async def test_a_user_that_comes_back_was_not_thinking_all_the_while(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), think_s=flat(0.05))
    actor.user.activate()
    await actor.until(1)
    actor.user.deactivate()
    await asyncio.sleep(0.15)
    assert len(actor.records) == 1
    back_ns = monotonic_ns()
    actor.user.activate()
    await actor.until(2)
    record = actor.records[1]
    assert record.due_unix_ns - actor.wall_offset_ns >= back_ns
    assert math.isnan(record.think_s)


async def test_conversations_keep_their_turns(enter: Enter) -> None:
    actor = await enter(
        answer(ANSWER),
        max_requests=3,
        multi_turn_probability=1.0,
        turns=flat(3),
        questions_per_session=flat(3),
        system_prompt="Be kind.",
    )
    actor.user.activate()
    await actor.until(3)
    first, second, third = actor.questions
    assert [message["role"] for message in first] == ["system", "user"]
    assert second[:2] == first
    assert second[2] == {"role": "assistant", "content": "Hello"}
    assert third[:4] == second
    assert len(third) == 6
    assert len({record.conversation_id for record in actor.records}) == 1
    assert [record.turn for record in actor.records] == [1, 2, 3]
    assert actor.left == [(0, "request_limit")]


def bodies(actor: Actor) -> list[dict[str, Any]]:
    """What every request asked for."""
    return [orjson.loads(request.partition(b"\r\n\r\n")[2]) for request in actor.server.requests]


async def test_limits_and_temperatures_are_drawn_within_their_bounds_and_sent(enter: Enter) -> None:
    temperature = Distribution("gaussian", 0.2, 1.4)
    actor = await enter(
        answer(ANSWER), max_requests=60, max_tokens=Distribution("uniform", 50.0, 53.0), temperature=temperature
    )
    actor.user.activate()
    await actor.until(60)
    sent = bodies(actor)
    assert {body["max_tokens"] for body in sent} == {50, 51, 52, 53}
    assert [record.max_tokens for record in actor.records] == [body["max_tokens"] for body in sent]
    temperatures = [body["temperature"] for body in sent]
    assert len(set(temperatures)) > 50
    assert all(0.2 <= value <= 1.4 for value in temperatures)
    assert sum(temperatures) / 60 == pytest.approx(temperature.mean(), abs=4 * temperature.std() / 60**0.5)


async def test_a_temperature_that_is_not_given_is_left_to_the_platform(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), max_requests=1)
    actor.user.activate()
    await actor.until(1)
    assert "temperature" not in bodies(actor)[0]


async def test_a_conversation_that_outgrows_its_context_loses_its_oldest_turns(enter: Enter) -> None:
    actor = await enter(
        answer(whole(orjson.dumps({"choices": [{"message": {"content": "word " * 80}, "finish_reason": "stop"}]}))),
        max_requests=8,
        multi_turn_probability=1.0,
        turns=flat(8),
        questions_per_session=flat(8),
        system_prompt="Be kind.",
        context_limit_tokens=500,
        streaming=False,
    )
    actor.user.activate()
    await actor.until(8)
    for record, messages in zip(actor.records, actor.questions, strict=True):
        assert messages[0] == {"role": "system", "content": "Be kind."}
        assert [message["role"] for message in messages[1:]] == ["user", "assistant"] * record.turns_sent + ["user"]
        tokens = sum(estimate_tokens(message["content"]) for message in messages)
        assert tokens + record.max_tokens <= 500
    sent = [record.turns_sent for record in actor.records]
    assert sent[:3] == [0, 1, 2]
    assert max(sent) < 7
    assert len({record.conversation_id for record in actor.records}) == 1


@pytest.mark.parametrize(
    ("status", "messages", "turns", "conversations"),
    [
        # it goes on without the question that got no answer
        ("500 Oops", [1, 3, 3, 5], [1, 2, 3, 4], 1),
        ("503 Service Unavailable", [1, 3, 3, 5], [1, 2, 3, 4], 1),
        ("429 Too Many Requests", [1, 3, 3, 5], [1, 2, 3, 4], 1),
        # the same history would be refused again
        ("400 Bad Request", [1, 3, 1, 3], [1, 2, 1, 2], 2),
    ],
)
async def test_what_a_conversation_keeps_of_a_failed_turn(
    enter: Enter, status: str, messages: list[int], turns: list[int], conversations: int
) -> None:
    failed = whole(b'{"error":"x"}', status, "Retry-After: 0")

    async def script(peer: Peer) -> None:
        for response in (ANSWER, failed, ANSWER, ANSWER):
            await peer.request()
            await peer.send(response)

    actor = await enter(
        script, max_requests=4, multi_turn_probability=1.0, turns=flat(9), questions_per_session=flat(9)
    )
    actor.user.activate()
    await actor.until(4)
    assert [len(question) for question in actor.questions] == messages
    assert [record.turn for record in actor.records] == turns
    assert len({record.conversation_id for record in actor.records}) == conversations
    failed_question = actor.questions[1][-1]["content"]
    assert not any(failed_question in message["content"] for question in actor.questions[2:] for message in question)
    assert [record.turns_sent for record in actor.records] == [count // 2 for count in messages]


@pytest.mark.parametrize(
    "behaviour",
    [{"questions_per_session": flat(0)}, {"session_duration_s": flat(0.0), "questions_per_session": flat(5)}],
)
async def test_a_session_is_never_empty(enter: Enter, behaviour: dict[str, Any]) -> None:
    actor = await enter(answer(ANSWER), max_requests=3, **behaviour)
    actor.user.activate()
    await actor.until(3)
    assert len({record.conversation_id for record in actor.records}) == 3


async def test_a_platform_that_asks_to_wait_is_waited_for(enter: Enter) -> None:
    refusal = whole(b'{"error":"slow down","retry_after_seconds":0.08}', "429 Too Many Requests")
    actor = await enter(answer(refusal))
    actor.user.activate()
    await actor.until(2)
    first, second = actor.records[:2]
    assert first.error_type == second.error_type == "rate_limited"
    assert second.due_unix_ns - first.due_unix_ns >= first.end_ns + 0.079e9
    assert math.isnan(second.think_s)


async def test_a_platform_in_trouble_is_asked_less_and_less_without_end(enter: Enter) -> None:
    actor = await enter(answer(whole(b"", "500 Oops")))
    actor.user._failures = 5000
    actor.user.activate()
    await actor.until(1)
    await asyncio.sleep(0.02)
    assert actor.user.crash == ""
    assert actor.user._not_before_ns - monotonic_ns() > 20e9
    assert len(actor.records) == 1


async def test_an_answer_that_comes_whole(enter: Enter) -> None:
    actor = await enter(answer(WHOLE), max_requests=1, streaming=False)
    actor.user.activate()
    await actor.until(1)
    (record,) = actor.records
    assert (record.error_type, record.prompt_tokens, record.completion_tokens) == ("", 7, 2)
    assert (record.token_source, record.first_token_ns, record.chunks) == ("usage", -1, 0)


async def test_an_answer_that_comes_whole_and_uncounted_is_not_free(enter: Enter) -> None:
    actor = await enter(answer(SILENT), max_requests=1, streaming=False)
    actor.user.activate()
    await actor.until(1)
    (record,) = actor.records
    assert record.error_type == ""
    assert record.completion_tokens > 0
    assert record.prompt_tokens > 0
    assert record.cost_usd > 0


class Letters:
    """Counts letters, so that nobody can take its counts for anything else."""

    def count(self, text: str) -> int:
        return len(text)


async def test_a_tokenizer_counts_what_the_platform_does_not(enter: Enter) -> None:
    actor = await enter(answer(SILENT), max_requests=1, streaming=False, counter=Letters())
    actor.user.activate()
    await actor.until(1)
    (record,) = actor.records
    (question,) = actor.questions
    assert record.token_source == "tokenizer"
    assert record.completion_tokens == len("Hello there")
    assert record.prompt_tokens == sum(len(message["content"]) for message in question)


async def test_what_the_platform_counts_goes_before_a_tokenizer(enter: Enter) -> None:
    actor = await enter(answer(WHOLE), max_requests=1, streaming=False, counter=Letters())
    actor.user.activate()
    await actor.until(1)
    assert (actor.records[0].token_source, actor.records[0].completion_tokens) == ("usage", 2)


async def test_hidden_reasoning_is_nothing_that_a_tokenizer_could_count(enter: Enter) -> None:
    thought = event({"choices": [{"delta": {"reasoning": "hm"}}]})
    stream = STREAM_HEAD + chunked(ROLE, thought, *words("Hel", "lo"), STOP, DONE) + STREAM_END
    actor = await enter(answer(stream), max_requests=1, counter=Letters())
    actor.user.activate()
    await actor.until(1)
    assert (actor.records[0].token_source, actor.records[0].completion_tokens) == ("chunks", 3)


async def test_a_refusal_stays_one_although_its_connection_breaks(enter: Enter) -> None:
    body = b'{"error":"Budget exceeded","code":"BUDGET_EXCEEDED"}'
    response = whole(body, "402 Payment Required").replace(b"Content-Length: 52", b"Content-Length: 99")
    actor = await enter(answer(response, b"", then="close"))
    actor.user.activate()
    await actor.until(1)
    (record,) = actor.records
    assert (record.error_type, record.http_status) == ("budget_exceeded", 402)
    assert actor.left == [(0, "budget_exceeded")]


async def test_requests_carry_their_ids(enter: Enter) -> None:
    actor = await enter(answer(ANSWER), max_requests=2)
    actor.user.activate()
    await actor.until(2)
    for record, request in zip(actor.records, actor.server.requests, strict=True):
        head = request.partition(b"\r\n\r\n")[0].decode()
        assert f"X-Request-ID: {record.request_id}\r\n" in head
        assert f"traceparent: 00-{record.trace_id}-" in head
        assert f"Authorization: Bearer {KEY}\r\n" in head
    assert len({record.trace_id for record in actor.records}) == 2
    assert KEY not in repr(actor.records)


async def test_a_kept_alive_connection_that_was_gone_counts_two_attempts(enter: Enter) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        peer.close()

    actor = await enter(script, answer(ANSWER), max_requests=2)
    actor.user.activate()
    await actor.until(2)
    assert [record.attempts for record in actor.records] == [1, 2]
    assert [record.error_type for record in actor.records] == ["", ""]


async def test_an_abort_while_idle_or_thinking_is_quiet(enter: Enter) -> None:
    idle = await enter(answer(ANSWER))
    thinking = await enter(answer(ANSWER), think_s=flat(60.0, 120.0))
    thinking.user.activate()
    await asyncio.sleep(0.01)
    for actor in (idle, thinking):
        actor.user.abort()
        actor.user.abort()
        async with asyncio.timeout(5):
            await actor.user.done()
        actor.user.activate()
        assert (actor.records, actor.left, actor.user.active) == ([], [], False)
