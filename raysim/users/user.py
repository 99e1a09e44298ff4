"""One simulated user: comes when it is told to, thinks, asks, reads, asks again, and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import PurePath
from time import monotonic_ns
from traceback import walk_tb

from raysim.core.behaviour.conversation import ENDS_CONVERSATION, Conversation
from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.control.messages import REQUEST_LIMIT
from raysim.core.plan.load import ArrivalPlan, PhasePlan
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.users.alarm import Alarm
from raysim.users.open_loop import OpenLoop
from raysim.users.ports import RunClock
from raysim.users.questioner import Questioner, Thought
from raysim.users.sender import Answer, Sender

_NAN = float("nan")
#: a connection that has to be opened is opened this long before it is needed
_OPEN_AHEAD_S = 0.5
#: after a failure a user waits at least this long, doubled for every further one in a row
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0
_MOST_DOUBLINGS = 10
#: the loop's timers count whole milliseconds: this much too early is on time
_TIMER_STEP_NS = 1_000_000
#: the reason that is given for a user whose own code failed
CRASHED = "crashed"
#: a refusal that asking again cannot change: the user has nothing left to do
_FINAL = frozenset({ErrorKind.BUDGET_EXCEEDED, ErrorKind.QUOTA_EXCEEDED, ErrorKind.AUTH})


class User:
    """Plays one user until it is told to end.

    Args:
        brief: the pack's brief.
        plan: who the user is.
        sender: sends its questions.
        new_sender: makes further ones, for requests in an open loop, which do not wait for each other.
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
        new_sender: Callable[[], Sender] | None = None,
    ) -> None:
        self.plan = plan
        self.active = False
        self.asking = False
        #: how many of its requests were due and never sent
        self.unsent = 0
        self._brief = brief
        self._sender = sender
        self._clock = clock
        self._record = record
        self._left = left
        self._stream = Stream.of(plan.seed, "behaviour", brief.incarnation)
        self._questioner = Questioner(brief, plan, self._stream)
        #: requests that have ended, those of former lives included as far as they are known
        self._asked = dict(brief.accepted).get(plan.index, 0)
        #: how long it thinks after the last answer
        self._pause_s = _NAN
        self._failures = 0
        self._ended = False
        self._connecting = False
        #: where its code failed, if it did
        self.crash = ""
        #: the calls that led there, the outermost first
        self.stack: list[str] = []
        #: monotonic ns of the last answer; 0 before the first since it came
        self._answered_ns = 0
        #: monotonic ns before which a user that was refused or failed does not ask again
        self._not_before_ns = 0
        self._alarm = Alarm()
        self._open_loop = OpenLoop(
            self._questioner, new_sender or (lambda: sender), clock, self._arrival_answered, self._crashed
        )
        self._task: asyncio.Task[None] | None = None

    # ── what the pack tells it ──

    def start(self) -> None:
        """Begin to exist; idle until activated."""
        self._task = asyncio.get_running_loop().create_task(self._live(), name=self.plan.name)

    def activate(self) -> None:
        """Come: start asking."""
        if not self._ended and not self.active:
            self.active = True
            self._alarm.ring()

    def deactivate(self) -> None:
        """Go: finish what is in flight, ask nothing more."""
        self.active = False
        self._alarm.ring()
        self._sender.withdraw()
        self.unsent += self._open_loop.stop()

    def follow(self, brief: PackBrief) -> None:
        """From now on `brief` holds: phases, limits, how often to ask. A pause that has begun lasts as drawn."""
        self._brief = brief
        self._questioner.follow(brief.behaviour)
        self._sender.follow(brief)
        self._open_loop.follow(brief)
        self._leave_if_done()
        self._alarm.ring()

    def arrive(self, due_ns: int) -> None:
        """A request is due that comes by the clock; whoever is not there, or not any more, does not send it."""
        arrivals = self._arrivals(due_ns)
        if self.active and arrivals is not None and self._may_accept():
            self._open_loop.arrive(due_ns, arrivals.most_in_flight)
        else:
            self.unsent += 1

    def _may_accept(self) -> bool:
        """Whether another request keeps within the user's limit once all that it has accepted are sent."""
        most = self._brief.limits.max_requests_per_user
        return most is None or self.accepted < most

    @property
    def accepted(self) -> int:
        """Requests that have ended, are under way, or wait for their turn, in all its lives."""
        return self._asked + self.asking + self._open_loop.accepted

    @property
    def awaiting(self) -> int:
        """Of the requests under way, those that have been sent."""
        return (self.asking and self._sender.awaits_answer) + self._open_loop.awaiting

    @property
    def waiting(self) -> int:
        """Requests that are to be sent and have not been."""
        return self.asking + self._open_loop.accepted - self.awaiting

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self.asking + self._open_loop.in_flight

    def end(self) -> None:
        """Go and do not come back."""
        self._ended = True
        self.deactivate()

    def abort(self) -> None:
        """End at once; a request in flight is cancelled and recorded as such."""
        self.end()
        if (self.asking or self._connecting) and self._task is not None:
            self._task.cancel()
        self._open_loop.abort()

    async def done(self) -> None:
        """Wait until the user has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._open_loop.done()
        self._open_loop.close()

    # ── its life ──

    async def _live(self) -> None:
        most = self._brief.limits.max_requests_per_user
        if most is not None and self._asked >= most:
            # former lives have sent all that it was to send
            self._leave(REQUEST_LIMIT)
        try:
            while not self._ended:
                if not self.active:
                    await self._alarm.wait(None)
                    continue
                # what was before it went does not count: people who arrive do not all type at once
                self._answered_ns = 0
                pause_s = self._brief.behaviour.think_s.sample(self._stream) * self._stream.random()
                await self._stay_until(monotonic_ns() + int(pause_s * 1e9))
                while self.active:
                    if self._arrivals(monotonic_ns()) is None:
                        await self._session()
                    else:
                        await self._attend()
        except Exception as error:  # noqa: BLE001 - one user's end is not its pack's
            self._crashed(error)
        finally:
            self.active = False
            self._sender.close()

    async def _attend(self) -> None:
        """Be there while requests come by the clock (see `arrive`), until the phase is over."""
        phase = self._phase_at(monotonic_ns())
        if phase is None or phase is self._brief.schedule.phases[-1]:
            await self._alarm.wait(None)
        else:
            await self._stay_until(self._clock.run_start_ns + int(phase.end_s * 1e9) + _TIMER_STEP_NS)

    async def _session(self) -> None:
        session = self._questioner.new_session()
        conversation: Conversation | None = None
        asked = turns_left = started_ns = 0
        while self.active and self._arrivals(monotonic_ns()) is None:
            due_ns = max(self._meant_ns(), self._not_before_ns)
            if not session.takes(asked, started_ns, due_ns):
                return
            started_ns = started_ns or due_ns
            asked += 1
            endpoint = self._questioner.endpoint()
            if not endpoint.converses:
                await self._turn(endpoint, None, session.number)
                continue
            if conversation is None or turns_left <= 0:
                conversation = self._questioner.new_conversation()
                turns_left = self._questioner.turns()
            turns_left -= 1
            if not await self._turn(endpoint, conversation, session.number):
                conversation = None

    async def _turn(self, endpoint: EndpointPlan, conversation: Conversation | None, session: int) -> bool:
        """Think, ask, read. False when the conversation cannot go on."""
        question = self._questioner.question(endpoint, conversation, session)
        thought = await self._think(endpoint)
        if not self.active or self._arrivals(monotonic_ns()) is not None:
            return False
        question = thought.ends_in(question)
        clock = self._clock
        self.asking = True
        try:
            answer = await self._sender.ask(question, clock.run_start_ns, clock.wall_offset_ns, self._stays_until)
        finally:
            self.asking = False
        if answer is None:
            self.unsent += 1
            return False
        self._answered_ns = monotonic_ns()
        self._asked += 1
        record = answer.record
        self._pause_s = self._brief.behaviour.think_s.sample(self._stream)
        if self.active:
            # also a pause that is cut short is known by this: without those, short ones would seem to be more
            record.think_next_s = self._pause_s
        self._record(record)
        self._consider_leaving(answer, endpoint)
        if record.error_type is not ErrorKind.NONE:
            self._back_off(answer)
            return record.error_type not in ENDS_CONVERSATION
        self._failures = 0
        self._questioner.learn(question, record)
        if conversation is not None:
            conversation.answered(question.ask.question, answer.text)
        return True

    def _meant_ns(self) -> int:
        """When the next question is due, apart from pauses that failures make longer; now, on arrival."""
        return self._answered_ns + int(self._pause_s * 1e9) if self._answered_ns else monotonic_ns()

    async def _think(self, endpoint: EndpointPlan) -> Thought:
        """Pause as people do, and connect shortly before it is over."""
        started_ns, meant_ns = self._answered_ns, self._meant_ns()
        now_ns = monotonic_ns()
        due_ns = max(meant_ns, self._not_before_ns)
        connect_ns = 0
        if due_ns > now_ns:
            await self._stay_until(due_ns - int(_OPEN_AHEAD_S * 1e9))
            connect_ns = await self._connect(endpoint)
            if monotonic_ns() <= due_ns:
                connect_ns = 0
            await self._stay_until(due_ns)
        now_ns = monotonic_ns()
        due_ns = min(due_ns, now_ns)
        if started_ns == 0 or self._not_before_ns > meant_ns or connect_ns:
            # an arrival, or a pause that a refusal, a failure or connecting stretched, says nothing of how people think
            return Thought(due_ns, connect_ns=connect_ns)
        return Thought(due_ns, self._pause_s, (now_ns - started_ns) / 1e9)

    async def _connect(self, endpoint: EndpointPlan) -> int:
        """Open the connection if there is need; returns how many ns that took."""
        if not self.active:
            return 0
        self._connecting = True
        try:
            return await self._sender.open(endpoint)
        except asyncio.CancelledError:
            if not self._ended:
                raise
            # `abort` cancels what it cannot end otherwise
            return 0
        finally:
            self._connecting = False

    def _consider_leaving(self, answer: Answer, endpoint: EndpointPlan) -> None:
        error = answer.record.error_type
        if error in _FINAL and endpoint.with_user_key:
            self._leave(str(error))
        else:
            self._leave_if_done()

    def _leave_if_done(self) -> None:
        most = self._brief.limits.max_requests_per_user
        if most is not None and self._asked >= most:
            self._leave(REQUEST_LIMIT)

    def _arrival_answered(self, answer: Answer | None, endpoint: EndpointPlan) -> None:
        if answer is None:
            self.unsent += 1
            return
        self._record(answer.record)
        self._asked += 1
        self._consider_leaving(answer, endpoint)

    def _crashed(self, error: Exception) -> None:
        self.crash, self.stack = _place_of(error), _calls_of(error)
        self._left(self.plan.index, CRASHED)
        self.end()

    def _arrivals(self, now_ns: int) -> ArrivalPlan | None:
        """How requests arrive in the phase at this moment; None while users ask when they have thought."""
        phase = self._phase_at(now_ns)
        return phase.arrivals if phase is not None else None

    def _phase_at(self, now_ns: int) -> PhasePlan | None:
        """The phase at this moment; the last one goes on until everybody is told to stop."""
        schedule, run_s = self._brief.schedule, (now_ns - self._clock.run_start_ns) / 1e9
        if run_s >= schedule.duration_s:
            return schedule.phases[-1] if schedule.phases else None
        return schedule.phase_at(run_s)

    def _leave(self, reason: str) -> None:
        if not self._ended:
            self._left(self.plan.index, reason)
        self.end()

    def _back_off(self, answer: Answer) -> None:
        """A platform in trouble is not hammered: wait as long as it asks, else twice as long as the last time.

        Where a circuit breaker is to do that, the wait does not grow: it would keep the circuit from ever opening, and
        what is not sent while it is open comes at the pace of thinking.
        """
        growing = self._brief.behaviour.circuit is None
        doublings = min(self._failures, _MOST_DOUBLINGS) if growing else 0
        own_s = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**doublings)
        self._failures += 1
        wait_s = own_s if answer.retry_after_s is None else answer.retry_after_s
        self._not_before_ns = self._answered_ns + int(wait_s * 1e9)

    async def _stays_until(self, due_ns: int) -> bool:
        """Sleep until `due_ns`; False when told to go."""
        await self._stay_until(due_ns)
        return self.active

    async def _stay_until(self, due_ns: int) -> None:
        """Sleep until `due_ns`, or until told to go."""
        while self.active and monotonic_ns() < due_ns - _TIMER_STEP_NS:
            await self._alarm.wait(due_ns)


def _place_of(error: Exception) -> str:
    """Kind and place of a failure; its message might quote a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _calls_of(error: Exception) -> list[str]:
    """Where each call of a failure stood, the outermost first; without its message and its values."""
    return [
        f"{PurePath(frame.f_code.co_filename).name}:{line} in {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
