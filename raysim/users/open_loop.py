"""A user's requests that come by the clock: each is sent when it is due, whether or not earlier ones were answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic_ns

from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.outcome import ErrorKind
from raysim.users.ports import RunClock
from raysim.users.questioner import Questioner, Thought
from raysim.users.sender import Answer, Sender


class OpenLoop:
    """The arrivals of one user. Every request has a connection to itself; those of earlier ones are used again.

    Args:
        questioner: makes up what is asked; every question stands alone.
        new_sender: makes a sender with connections of its own.
        clock: the run's clock.
        answered: takes every answer; None for a request that was withdrawn before it was sent.
        crashed: is told when raysim's own code failed.
    """

    def __init__(
        self,
        questioner: Questioner,
        new_sender: Callable[[], Sender],
        clock: RunClock,
        answered: Callable[[Answer | None, EndpointPlan], None],
        crashed: Callable[[Exception], None],
    ) -> None:
        self._questioner = questioner
        self._new_sender = new_sender
        self._clock = clock
        self._answered = answered
        self._crashed = crashed
        self._spare: list[Sender] = []
        self._busy: dict[Sender, asyncio.Task[None]] = {}
        self._late: deque[int] = deque()
        self._stopped = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return len(self._busy)

    @property
    def accepted(self) -> int:
        """Requests under way, and those that wait for one of them to end."""
        return len(self._busy) + len(self._late)

    @property
    def awaiting(self) -> int:
        """Of the requests under way, those that have been sent."""
        return sum(sender.awaits_answer for sender in self._busy)

    def arrive(self, due_ns: int, most: int) -> None:
        """A request is due. With `most` under way it waits for the first of them to end."""
        self._stopped.clear()
        if len(self._busy) >= most:
            self._late.append(due_ns)
            return
        sender = self._spare.pop() if self._spare else self._new_sender()
        self._busy[sender] = asyncio.get_running_loop().create_task(self._serve(sender, due_ns))

    def follow(self, brief: PackBrief) -> None:
        """From now on `brief` holds."""
        for sender in (*self._spare, *self._busy):
            sender.follow(brief)

    def stop(self) -> int:
        """Send nothing more; what is under way may finish. Returns how many were due and are not sent."""
        unsent = len(self._late)
        self._late.clear()
        self._stopped.set()
        for sender in self._busy:
            sender.withdraw()
        return unsent

    def abort(self) -> None:
        """Cancel what is under way; it is recorded as such."""
        for task in self._busy.values():
            task.cancel()

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while self._busy:
            await asyncio.wait(self._busy.values())

    def close(self) -> None:
        """Close the connections."""
        for sender in (*self._spare, *self._busy):
            sender.close()

    async def _serve(self, sender: Sender, due_ns: int) -> None:
        try:
            await self._ask(sender, due_ns)
            while self._late:
                due_ns = self._late.popleft()
                await self._ask(sender, due_ns, late=True)
        except asyncio.CancelledError:
            # cancelled before it had begun: there is nothing to record
            return
        except Exception as error:  # noqa: BLE001 - one user's end is not its pack's
            self._crashed(error)
        finally:
            self._busy.pop(sender, None)
            self._spare.append(sender)

    async def _ask(self, sender: Sender, due_ns: int, *, late: bool = False) -> None:
        endpoint = self._questioner.endpoint()
        conversation = self._questioner.new_conversation() if endpoint.converses else None
        question = Thought(due_ns).ends_in(self._questioner.question(endpoint, conversation))
        clock = self._clock
        held_ns = max(0, monotonic_ns() - due_ns) if late else 0
        answer = await sender.ask(question, clock.run_start_ns, clock.wall_offset_ns, self._pause, held_ns)
        if answer is not None and answer.record.error_type is ErrorKind.NONE:
            self._questioner.learn(question, answer.record)
        self._answered(answer, endpoint)

    async def _pause(self, due_ns: int) -> bool:
        try:
            async with asyncio.timeout(max(0.0, (due_ns - monotonic_ns()) / 1e9)):
                await self._stopped.wait()
        except TimeoutError:
            return True
        return False
