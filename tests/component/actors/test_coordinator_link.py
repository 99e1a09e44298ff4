"""A coordinator that is away for a while, or for good; without Ray."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError

from raysim.actors import coordinator_link
from raysim.actors.coordinator_link import CoordinatorLink
from raysim.actors.patience import PATIENCE_S, patiently
from raysim.actors.placement import ActorLostError


class Away:
    """Every method fails until it was called so many times; each failure takes as long as it says."""

    def __init__(self, times: int, *, lasts_s: float = 1.0) -> None:
        self.left = times
        self.lasts_s = lasts_s
        self.now_s = 100.0
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return type("Method", (), {"remote": staticmethod(lambda *args: self._called(name, args))})

    def _called(self, name: str, args: tuple[Any, ...]) -> Any:
        self.calls.append((name, args))
        self.left -= 1
        if self.left >= 0:
            self.now_s += self.lasts_s
            return ActorLostError("killed")
        return f"{name} done"


def _fetch(ref: Any) -> Any:
    if isinstance(ref, Exception):
        raise ref
    return ref


def link_to(away: Away, told: list[str], monkeypatch: pytest.MonkeyPatch) -> CoordinatorLink:
    monkeypatch.setattr(coordinator_link, "ready_refs", lambda refs, _timeout_s: refs)
    monkeypatch.setattr(coordinator_link, "fetch", _fetch)
    monkeypatch.setattr(coordinator_link, "sleep", lambda _: None)
    monkeypatch.setattr(coordinator_link, "monotonic", lambda: away.now_s)
    return CoordinatorLink(away, told.append)


def test_it_is_asked_again_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    away, told = Away(3), []  # type: ignore[var-annotated]
    link = link_to(away, told, monkeypatch)
    assert link.ask("pack_lost", 1, [2], "killed") == "pack_lost done"
    assert away.calls == [("pack_lost", (1, [2], "killed"))] * 4
    assert told == [
        "the coordinator was lost, and is started again: killed",
        "the coordinator is back after 2.0 s, and goes on from its checkpoint",
    ]
    link.ask("watch")
    assert len(told) == 2


def test_a_long_call_is_made_again_when_its_answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = link_to(Away(1), [], monkeypatch).begin("clean_up")
    assert [asking.answered(0.5), asking.answered(0.5)] == [False, True]
    assert asking.value == "clean_up done"


def test_one_that_does_not_come_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    away, told = Away(1_000), []  # type: ignore[var-annotated]
    link = link_to(away, told, monkeypatch)
    with pytest.raises(ActorLostError):
        link.ask("watch")
    assert PATIENCE_S < len(away.calls) < PATIENCE_S + 4
    # whoever still asks something hears so at once
    before = len(away.calls)
    with pytest.raises(ActorLostError):
        link.ask("clean_up")
    assert len(away.calls) == before + 1


async def test_an_actor_asks_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raysim.actors.patience.PAUSE_S", 0.0)
    failures = 3

    def call() -> Awaitable[str]:
        async def answer() -> str:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise ActorUnavailableError("restarting", None)
            return "here"

        return answer()

    assert await patiently(call) == "here"
    monkeypatch.setattr("raysim.actors.patience.PATIENCE_S", -1.0)
    failures = 1
    with pytest.raises(ActorUnavailableError):
        await patiently(call)
