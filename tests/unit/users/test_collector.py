from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from raysim.users.collector import Collector


class Cycle:
    """Garbage that only a collection finds."""

    alive = 0

    def __init__(self) -> None:
        self.me = self
        Cycle.alive += 1

    def __del__(self) -> None:
        Cycle.alive -= 1


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


@pytest.mark.usefixtures("collector")
def test_what_was_there_before_is_not_looked_at_again() -> None:
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] >= 20_000


def test_garbage_goes_when_everybody_thinks(collector: Collector) -> None:
    Cycle.alive = 0
    Cycle()
    for _ in range(20):
        collector.look(in_flight=1)
    assert Cycle.alive == 1
    for _ in range(5):
        collector.look(in_flight=0)
    assert Cycle.alive == 0


def test_it_leaves_the_process_as_it_was() -> None:
    before = gc.get_threshold()
    collector = Collector()
    collector.start()
    collector.stop()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
