"""One simulated user: comes when it is told to, thinks, asks, reads, asks again, and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic_ns
from typing import Protocol

from raysim.core.behaviour.conversation import Conversation, estimate_tokens
from raysim.core.behaviour.questions import QuestionWalk, question_hash
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.users.sender import Answer, Question, Sender
from raysim.wire.openai import ChatMessage, ChatRequest

_NAN = float("nan")
#: a connection that has to be opened is opened this long before it is needed
_OPEN_AHEAD_S = 0.5
#: after a failure a user waits at least this long, doubled for every further one in a row
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0
#: a refusal that asking again cannot change: the user has nothing left to do
_FINAL = frozenset({ErrorKind.BUDGET_EXCEEDED, ErrorKind.QUOTA_EXCEEDED, ErrorKind.AUTH})


class RunClock(Protocol):
    """Where the run's second 0 is on this process's clocks."""

    run_start_ns: int
    wall_offset_ns: int


class User:
    """Plays one user until it is told to end.

    Args:
        brief: the pack's brief.
        plan: who the user is.
        sender: sends its questions.
        clock: the run's clock.
        record: takes every record.
        left: is told when the user leaves for good, with the reason.
    """

    def __init__(
        self,
        brief: PackBrief,
        plan: UserPlan,
        sender: Sender,
        clock: RunClock,
        record: Callable[[RequestRecord], None],
        left: Callable[[int, str], None],
    ) -> None:
        self.plan = plan
        self.active = False
        self.in_flight = False
        self._brief = brief
        self._sender = sender
        self._clock = clock
        self._record = record
        self._left = left
        self._stream = Stream.of(plan.seed, "behaviour", brief.incarnation)
        self._walk = QuestionWalk(brief.seed, plan.index, brief.users_in_run, brief.incarnation)
        self._conversations = 0
        self._asked = 0
        self._failures = 0
        self._ended = False
        #: monotonic ns of the last answer; 0 before the first
        self._answered_ns = 0
        #: monotonic ns before which a user that was refused or failed does not ask again
        self._not_before_ns = 0
        self._wake: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # ── what the pack tells it ──

    def start(self) -> None:
        """Begin to exist; idle until activated."""
        self._task = asyncio.get_running_loop().create_task(self._live(), name=self.plan.name)

    def activate(self) -> None:
        """Come: start asking."""
        if not self._ended:
            self.active = True
            self._interrupt()

    def deactivate(self) -> None:
        """Go: finish what is in flight, ask nothing more."""
        self.active = False
        self._interrupt()

    def end(self) -> None:
        """Go and do not come back."""
        self._ended = True
        self.deactivate()

    def abort(self) -> None:
        """End at once; a request in flight is cancelled and recorded as such."""
        self.end()
        if self.in_flight and self._task is not None:
            self._task.cancel()

    async def done(self) -> None:
        """Wait until the user has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])
            # what a user's code raised by mistake must not pass for a quiet end
            self._task.result()

    # ── its life ──

    async def _live(self) -> None:
        try:
            while not self._ended:
                if not self.active:
                    await self._pause_until(None)
                    continue
                # people who arrive do not all type at once
                pause_s = self._brief.behaviour.think_s.sample(self._stream) * self._stream.random()
                await self._pause_until(monotonic_ns() + int(pause_s * 1e9))
                while self.active:
                    await self._session()
        finally:
            self.active = False
            self._sender.close()

    async def _session(self) -> None:
        behaviour = self._brief.behaviour
        questions = behaviour.questions_per_session.sample_int(self._stream)
        lasts = behaviour.session_duration_s
        ends_ns = monotonic_ns() + int(lasts.sample(self._stream) * 1e9) if lasts is not None else None
        conversation: Conversation | None = None
        turns_left = 0
        for _ in range(questions):
            if not self.active or (ends_ns is not None and monotonic_ns() >= ends_ns):
                return
            if conversation is None or turns_left <= 0:
                conversation = self._new_conversation()
                several = self._stream.random() < behaviour.multi_turn_probability
                turns_left = behaviour.turns.sample_int(self._stream) if several else 1
            turns_left -= 1
            if not await self._turn(conversation):
                conversation = None

    def _new_conversation(self) -> Conversation:
        self._conversations += 1
        behaviour = self._brief.behaviour
        return Conversation(
            f"{self.plan.name}-{self._brief.incarnation}.{self._conversations}",
            behaviour.system_prompt,
            behaviour.context_limit_tokens,
        )

    async def _turn(self, conversation: Conversation) -> bool:
        """Think, ask, read. False when the conversation cannot go on."""
        due_ns, planned_s, thought_from_ns = await self._think()
        if not self.active:
            return False
        question, text = self._question(conversation, due_ns, planned_s, thought_from_ns)
        self.in_flight = True
        try:
            answer = await self._sender.ask(question, self._clock.run_start_ns, self._clock.wall_offset_ns)
        finally:
            self.in_flight = False
        self._answered_ns = monotonic_ns()
        self._record(answer.record)
        self._asked += 1
        self._consider_leaving(answer)
        if answer.record.error_type is not ErrorKind.NONE:
            self._back_off(answer)
            return False
        self._failures = 0
        conversation.answered(text, answer.text)
        return True

    async def _think(self) -> tuple[int, float, int]:
        """Pause as people do; returns when the question was due, the pause that was planned, and since when."""
        started_ns = self._answered_ns
        if started_ns == 0:
            return monotonic_ns(), _NAN, 0
        planned_s = self._brief.behaviour.think_s.sample(self._stream)
        due_ns = max(started_ns + int(planned_s * 1e9), self._not_before_ns)
        ahead_ns = due_ns - int(_OPEN_AHEAD_S * 1e9)
        if ahead_ns > monotonic_ns():
            await self._pause_until(ahead_ns)
        if self.active:
            await self._sender.open()
            await self._pause_until(due_ns)
        return due_ns, planned_s, started_ns

    def _question(
        self, conversation: Conversation, due_ns: int, planned_s: float, thought_from_ns: int
    ) -> tuple[Question, str]:
        behaviour = self._brief.behaviour
        names, weights = zip(*behaviour.strategies, strict=True)
        strategy = names[self._stream.weighted(weights)]
        follow_up = conversation.turns_asked > 0
        text, strategy = self._walk.next(strategy, follow_up=follow_up)
        max_tokens = behaviour.max_tokens.sample_int(self._stream)
        messages = conversation.prompt(text, max_tokens)
        request = ChatRequest(
            model=self.plan.model,
            messages=tuple(ChatMessage(role, content) for role, content in messages),
            max_tokens=max_tokens,
            temperature=behaviour.temperature.sample(self._stream) if behaviour.temperature else None,
            stream=behaviour.streaming,
        )
        # a pause that a refusal or failure stretched says nothing of how people think
        undisturbed = thought_from_ns and due_ns == thought_from_ns + int(planned_s * 1e9)
        question = Question(
            request=request,
            due_ns=due_ns,
            conversation_id=conversation.conversation_id,
            turn=conversation.turns_asked,
            strategy=strategy,
            question_hash=question_hash(text),
            prompt_estimate=sum(estimate_tokens(content) for _, content in messages),
            think_s=(monotonic_ns() - thought_from_ns) / 1e9 if undisturbed else _NAN,
            think_planned_s=planned_s if undisturbed else _NAN,
        )
        return question, text

    def _consider_leaving(self, answer: Answer) -> None:
        most = self._brief.limits.max_requests_per_user
        error = answer.record.error_type
        if error in _FINAL:
            self._leave(str(error))
        elif most is not None and self._asked >= most:
            self._leave("request_limit")

    def _leave(self, reason: str) -> None:
        if not self._ended:
            self._left(self.plan.index, reason)
        self.end()

    def _back_off(self, answer: Answer) -> None:
        """A platform in trouble is not hammered: wait as long as it asks, else twice as long as the last time."""
        own_s = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**self._failures)
        self._failures += 1
        wait_s = own_s if answer.retry_after_s is None else answer.retry_after_s
        self._not_before_ns = self._answered_ns + int(wait_s * 1e9)

    async def _pause_until(self, due_ns: int | None) -> None:
        """Sleep until `due_ns`, or until something is said; None waits for that alone."""
        if self._ended and due_ns is None:
            return
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        wake = self._wake
        timer = None
        if due_ns is not None:
            timer = loop.call_later(max(0.0, (due_ns - monotonic_ns()) / 1e9), _resolve, wake)
        try:
            await wake
        finally:
            if timer is not None:
                timer.cancel()
            self._wake = None

    def _interrupt(self) -> None:
        if self._wake is not None:
            _resolve(self._wake)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
