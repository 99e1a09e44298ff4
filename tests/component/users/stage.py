"""What a pack needs around it, without Ray: a brief, a coordinator and a taker of records that do as they are told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from time import monotonic, time
from typing import Any, Literal

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.behaviour.distributions import Distribution
from raysim.core.control.messages import Arrival, Orders, PackStatus, StopOrder, Switch
from raysim.core.control.rations import Rations
from raysim.core.control.terms import Terms
from raysim.core.plan.load import ArrivalPlan, LoadSchedule, PhasePlan
from raysim.core.plan.run_plan import BootstrapPlan, LimitPlan, PackBrief, PackPlan, UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.pricing import KNOWN_PRICES
from raysim.core.records.batch import decode_batch
from raysim.core.records.columns import BatchColumns
from raysim.core.records.request import COLUMNS
from raysim.core.secret import Secret
from raysim.users.identity import Identity
from raysim.users.pack import Pack, PackEnd

KEY = "sk-a-key-that-nobody-may-see"
Row = dict[str, Any]


def flat(low: float, high: float | None = None) -> Distribution:
    return Distribution("uniform", low, low if high is None else high)


def user_plan(index: int, model: str = "gpt-4o") -> UserPlan:
    name = f"user-org-1-{index + 1}"
    return UserPlan(index, 0, "org-1", index + 1, name, f"{name}@loadtest.invalid", model, 1000 + index)


def make_behaviour(**changes: Any) -> Behaviour:
    """Users who ask at once and go on asking."""
    fields: dict[str, Any] = {
        "think_s": flat(0.0),
        "questions_per_session": flat(3),
        "session_duration_s": None,
        "multi_turn_probability": 0.0,
        "turns": flat(1),
        "context_limit_tokens": 8000,
        "strategies": (("mathematical", 1.0), ("geographical", 1.0)),
        "max_tokens": flat(40),
        "temperature": None,
        "system_prompt": "",
        "streaming": True,
    }
    return Behaviour(**(fields | changes))


def make_brief(
    url: str,
    users: int = 1,
    behaviour: Behaviour | None = None,
    *,
    lease_s: float = 30.0,
    max_requests: int | None = None,
    max_cost_usd: float | None = None,
    max_rate: float | None = None,
    unknown_cost: Literal["reserved", "counted"] = "reserved",
    arrivals: ArrivalPlan | None = None,
    timeouts: tuple[float, float, float] = (2.0, 5.0, 5.0),
    **target: Any,
) -> PackBrief:
    """A brief for one pack against the platform at `url`."""
    phase = PhasePlan(
        0, "sustained", "sustained", 0.0, 3600.0, users, users, "at_once", 1, 1.0, excluded=False, arrivals=arrivals
    )
    return PackBrief(
        run_id="run-test",
        short_id="abc123",
        seed=7,
        users_in_run=users,
        incarnation=0,
        pack=PackPlan(0, "user/org-1/0", tuple(user_plan(index) for index in range(users))),
        schedule=LoadSchedule((phase,), users),
        behaviour=behaviour or make_behaviour(),
        prices=KNOWN_PRICES,
        limits=LimitPlan(max_cost_usd, None, 30.0, 10, False, None, max_requests, lease_s, 5.0, max_rate, unknown_cost),
        bootstrap=BootstrapPlan(10.0, 4, 1.0, abort_on_loss=False),
        target=TargetPlan("static", url, url, AuthPlan(), *timeouts, **target),
        key_days=None,
    )


class FakeCoordinator:
    """Answers reports with what was ordered.

    Set `error` to be unreachable, `hanging` to take reports and never answer.
    """

    def __init__(self, *, lease_s: float = 30.0) -> None:
        self.lease_s = lease_s
        self.statuses: list[PackStatus] = []
        self.error: Exception | None = None
        self.hanging = False
        #: what is lent: the first, and each time one was refused the next; nothing when there is none left
        self.tokens: list[str] = []
        self.lent: list[bool] = []
        #: what hands out money and slots, if anything does
        self.rations: Rations | None = None
        #: what packs are to follow from now on
        self.terms: Terms | None = None
        self._arrivals: list[Arrival] = []
        self._numbers = itertools.count(1)
        self._start_s = monotonic()
        self._switches: list[Switch] = []
        self._stop: StopOrder | None = None
        self._heard = asyncio.Condition()

    async def report(self, status: PackStatus) -> Orders:
        if self.error is not None:
            raise self.error
        if self.hanging:
            await asyncio.Event().wait()
        self.statuses.append(status)
        switches, self._switches = tuple(self._switches), []
        async with self._heard:
            self._heard.notify_all()
        arrivals, self._arrivals = tuple(self._arrivals), []
        orders = Orders(monotonic(), time() - monotonic(), self.lease_s, 0.01, self._start_s, switches, self._stop)
        if self.rations is not None:
            self.rations.hear(status)
            orders = replace(
                orders,
                lease=self.rations.lease(status.pack, running=self._stop is None),
                slots=self.rations.slots(status, monotonic()),
                urgent_s=0.002,
            )
        if self.terms is not None and status.terms != self.terms.version:
            # another process would get a copy
            orders = replace(orders, terms=deepcopy(self.terms))
        return replace(orders, arrivals=arrivals)

    async def admin_token(self, refused: bool) -> Secret:
        self.lent.append(refused)
        if refused:
            self.tokens.pop(0)
        return Secret(self.tokens[0])

    def switch(self, *users: int, on: bool = True, after_s: float = 0.0) -> None:
        """Order users to come or go, now or in so many seconds."""
        self._switches += [Switch(user, monotonic() - self._start_s + after_s, on) for user in users]

    def arrive(self, user: int, *after_s: float) -> None:
        """Let requests of a user be due in so many seconds."""
        now_s = monotonic() - self._start_s
        self._arrivals += [Arrival(user, now_s + delay_s, next(self._numbers)) for delay_s in after_s]

    def stop(self, drain_s: float = 5.0) -> None:
        self._stop = StopOrder("completed", drain_s)

    @property
    def gone(self) -> dict[int, str]:
        """Users that left for good, with their reasons."""
        return {user: reason for status in self.statuses for user, reason in status.gone}

    async def until(self, seen: Any) -> None:
        """Wait until a report makes `seen(status)` true."""
        async with asyncio.timeout(10), self._heard:
            await self._heard.wait_for(lambda: bool(self.statuses) and seen(self.statuses[-1]))


class FakeRecords:
    """Takes batches; refuses as many as `refuse` says; `stored` is what it claims to have stored, None for all."""

    def __init__(self) -> None:
        self.refuse = 0
        self.stored: int | None = None
        self.calls: list[int] = []
        self.batches: dict[int, bytes] = {}
        self.lines: dict[int, bytes] = {}

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        assert source == "0.0"
        assert oldest <= sequence
        self.calls.append(sequence)
        if self.refuse:
            self.refuse -= 1
            raise ConnectionError("the metrics actor is gone")
        assert self.batches.get(sequence, batch) == batch
        self.batches[sequence] = batch
        self.lines[sequence] = log_lines
        return sequence if self.stored is None else self.stored

    async def store(self, source: str) -> int:
        assert source == "0.0"
        if self.refuse:
            self.refuse -= 1
            raise ConnectionError("the metrics actor is gone")
        return max(self.batches, default=0)

    @property
    def rows(self) -> list[Row]:
        """Every row, in the order of the batches."""
        return [row for sequence in sorted(self.batches) for row in rows_of(self.batches[sequence])]

    @property
    def log(self) -> bytes:
        return b"".join(self.lines[sequence] for sequence in sorted(self.lines))

    @property
    def everything(self) -> bytes:
        """All bytes that were handed over."""
        return b"".join(self.batches.values()) + self.log


def rows_of(batch: bytes) -> list[Row]:
    if not batch:
        return []
    columns = BatchColumns(decode_batch(batch))
    rows: list[Row] = [{} for _ in range(columns.rows)]
    for column in COLUMNS:
        values: Sequence[Any]
        if column.kind == "str":
            text = columns.text(column.name)
            values = [text.values[code] for code in text.codes]
        elif column.kind == "u32list":
            lists = columns.lists(column.name)
            ends = lists.lengths.cumsum()
            values = [list(lists.values[end - n : end]) for end, n in zip(ends, lists.lengths, strict=True)]
        else:
            values = columns.number(column.name).tolist()
        for row, value in zip(rows, values, strict=True):
            row[column.name] = value
    return rows


class Stage:
    """One pack with its surroundings."""

    def __init__(
        self,
        brief: PackBrief,
        *,
        keys: Sequence[str] = (),
        more_keys: Sequence[str] = (),
        lease_s: float = 30.0,
        debug: bool = False,
        ids: tuple[str, str] = ("org-id", "user-id"),
    ) -> None:
        self.coordinator = FakeCoordinator(lease_s=lease_s)
        self.records = FakeRecords()
        users = brief.pack.users
        secrets = [Secret(key) for key in (keys or [KEY] * len(users))]
        self.pack = Pack(
            brief,
            [
                Identity(user, secret, *ids, tuple(map(Secret, more_keys)))
                for user, secret in zip(users, secrets, strict=True)
            ],
            self.coordinator,
            self.records,
            node="node-1",
            debug=debug,
        )
        self._running = asyncio.create_task(self.pack.run())
        self._users = len(users)

    async def end(self, drain_s: float = 5.0) -> PackEnd:
        """Order the end of the run and wait for it."""
        self.coordinator.stop(drain_s)
        return await self.ended()

    async def ended(self) -> PackEnd:
        """Wait until the pack has ended."""
        async with asyncio.timeout(10):
            return await self._running

    async def all_gone(self) -> None:
        """Wait until every user has left for good."""
        await self.coordinator.until(lambda _: len(self.coordinator.gone) == self._users)
