"""A user's life in virtual time: hours of thinking pass at once, and every moment is exact."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.users import alarm, user
from raysim.users.attempt import Question
from raysim.users.sender import Answer
from raysim.users.user import User
from tests.component.users.stage import make_behaviour, make_brief


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)


class _Jump(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen again"
        self._loop.now_s += max(0.0, timeout)
        return super().select(0)


class FakeSender:
    """Answers every question after `answer_s`, with `error` when it is set."""

    def __init__(self, loop: VirtualLoop, answer_s: float) -> None:
        self._loop = loop
        self._answer_s = answer_s
        self.error = ErrorKind.NONE
        self.questions: list[Question] = []

    def follow(self, brief: PackBrief) -> None:
        """What is sent, and how, does not change."""

    async def open(self, endpoint: EndpointPlan) -> int:
        del endpoint
        return 0

    def withdraw(self) -> None:
        """It never holds anything back."""

    async def ask(self, question: Question, run_start_ns: int, wall_offset_ns: int, pause: object) -> Answer:
        del run_start_ns, wall_offset_ns, pause
        self.questions.append(question)
        await asyncio.sleep(self._answer_s)
        record = RequestRecord(
            *("r", "t", question.conversation_id, "org-1", "user-1", "w", "p", "chat", "m", question.strategy),
            error_type=self.error,
            due_unix_ns=question.due_ns,
            end_ns=self._loop.monotonic_ns() - question.due_ns,
            turn=question.turn,
            session=question.session,
            think_s=question.think_s,
            think_planned_s=question.think_planned_s,
        )
        return Answer(record, "An answer.", None)

    def close(self) -> None:
        """There is nothing to close."""


class Life:
    """One user, its records, and the loop in which it lives."""

    run_start_ns = 0
    wall_offset_ns = 0

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, answer_s: float = 0.5, **behaviour: Any) -> None:
        self.loop = VirtualLoop()
        monkeypatch.setattr(user, "monotonic_ns", self.loop.monotonic_ns)
        monkeypatch.setattr(alarm, "monotonic_ns", self.loop.monotonic_ns)
        self.records: list[RequestRecord] = []
        self.sender = FakeSender(self.loop, answer_s)
        brief = make_brief("http://127.0.0.1:1", 1, make_behaviour(**behaviour))
        self.user = User(
            brief,
            brief.pack.users[0],
            self.sender,  # type: ignore[arg-type]
            self,
            self._take,
            self._left,
        )
        self._enough = 0
        self._done: asyncio.Event | None = None

    def _take(self, record: RequestRecord) -> None:
        self.records.append(record)
        if len(self.records) >= self._enough and self._done is not None:
            self._done.set()

    def _left(self, index: int, why: str) -> None:
        raise AssertionError(f"user {index} left: {why}")

    def live(self, *, requests: int = 10**9, seconds: float = 1e12) -> list[RequestRecord]:
        """Let the user come, stay for so many requests or seconds, and go; its records."""

        async def stay() -> None:
            self._enough, self._done = requests, asyncio.Event()
            self.user.start()
            self.user.activate()
            try:
                async with asyncio.timeout(seconds):
                    await self._done.wait()
            except TimeoutError:
                pass
            self.user.end()
            await self.user.done()

        self.run(stay)
        assert self.user.crash == ""
        return self.records

    def run(self, course: Callable[[], Awaitable[None]]) -> None:
        """Run `course` in virtual time."""

        async def whole() -> None:
            await course()

        try:
            self.loop.run_until_complete(whole())
        finally:
            self.loop.close()
