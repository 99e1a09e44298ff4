"""The lag meter in virtual time: a loop that is driven by hand, and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from raysim.users import lag
from raysim.users.lag import LagMeter

MS = 1_000_000


class Handle:
    def cancel(self) -> None:
        """Nothing runs by itself here."""


class HandLoop:
    """Keeps the one timer that the meter sets; `late` fires it so many milliseconds after it was due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = 1_000 * MS
        self.timer: tuple[Callable[..., None], tuple[Any, ...]] | None = None
        monkeypatch.setattr(lag, "monotonic_ns", lambda: self.now_ns)
        monkeypatch.setattr("raysim.users.lag.asyncio.get_running_loop", lambda: self)

    def call_later(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> Handle:
        assert delay_s == lag.TICK_S
        self.timer = (callback, arguments)
        return Handle()

    def late(self, milliseconds: float) -> None:
        assert self.timer is not None
        self.now_ns += int((10 + milliseconds) * MS)
        callback, arguments = self.timer
        callback(*arguments)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> HandLoop:
    return HandLoop(monkeypatch)


@pytest.fixture
def meter(loop: HandLoop) -> LagMeter:
    assert loop.timer is None
    started = LagMeter()
    started.start()
    return started


def test_a_punctual_loop_spoils_nothing(loop: HandLoop, meter: LagMeter) -> None:
    for _ in range(100):
        loop.late(0.1)
    assert not meter.spoilt(loop.now_ns - 500 * MS, loop.now_ns)
    assert meter.p99_ms() == 0.25


def test_what_was_stamped_during_a_stall_is_spoilt_and_nothing_else(loop: HandLoop, meter: LagMeter) -> None:
    loop.late(0)
    before = loop.now_ns
    loop.late(30)
    after = loop.now_ns
    loop.late(0)
    assert meter.spoilt(after)
    assert meter.spoilt(before + 11 * MS)
    assert not meter.spoilt(before + 9 * MS)
    assert not meter.spoilt(after + 1)
    assert not meter.spoilt(0), "0 is no stamp"
    assert meter.spoilt(before, after), "one spoilt stamp is enough"


def test_a_stall_is_known_before_its_tick_comes(loop: HandLoop, meter: LagMeter) -> None:
    stamp = loop.now_ns + 25 * MS
    assert meter.spoilt(stamp)
    assert not meter.spoilt(loop.now_ns + 15 * MS)


def test_the_percentile_comes_from_all_ticks_in_fixed_memory(loop: HandLoop, meter: LagMeter) -> None:
    for _ in range(980):
        loop.late(0.3)
    for _ in range(20):
        loop.late(42.1)
    assert meter.p99_ms() == 42.25
    for _ in range(1_000):
        loop.late(5_000)
    assert meter.p99_ms() == 100.0
    assert len(meter._late) <= 256


def test_a_stopped_meter_flags_nothing_new(loop: HandLoop, meter: LagMeter) -> None:
    meter.stop()
    assert not meter.spoilt(loop.now_ns + 1_000 * MS)
