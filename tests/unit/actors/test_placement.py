"""Actors that nobody has room for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from raysim.actors import placement
from raysim.actors.placement import NOT_PLACED, PlacedPack, Placement, bootstrap_results
from raysim.actors.user import Bootstrapped
from raysim.core.plan.run_plan import PackBrief
from tests.unit.core.control.course import plan

SET_UP = Bootstrapped(0, 0.1, "")


def test_an_actor_that_finds_no_slot_is_given_up_and_its_users_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    run = plan()
    briefs = [PackBrief.of(run, pack, run.target) for pack in run.packs]
    clock_s = [1_000.0]
    ended: list[str] = []
    looks: list[tuple[int, int]] = []
    placing = Placement(SimpleNamespace(cpus=2, driver_node_id="aa" * 28), run.run_id)  # type: ignore[arg-type]
    monkeypatch.setattr(placement, "monotonic", lambda: clock_s[0])
    monkeypatch.setattr(
        placing,
        "user",
        lambda brief, *_, **__: PlacedPack(brief, f"actor {brief.pack.index}", brief.pack.index, None),
    )
    monkeypatch.setattr(placing, "end", ended.extend)
    # the first starts at once, the second's node has gone
    monkeypatch.setattr(placement, "ready_refs", lambda refs, _timeout_s: [ref for ref in refs if ref == 0])
    monkeypatch.setattr(placement, "fetch", lambda _ref: [SET_UP])

    def wait(done: int, of: int) -> None:
        looks.append((done, of))
        clock_s[0] += 60.0

    packs = placing.users(briefs, None, [None], debug=False, waiting=wait)

    assert [bootstrap_results(pack) for pack in packs] == [([SET_UP], ""), ([], NOT_PLACED)]
    assert ended == ["actor 1"]
    # it had the time that its users may take to be set up, and a minute
    assert len(looks) - 1 == (run.bootstrap.timeout_s + 60.0) // 60.0 + 1
    assert looks[-1] == (2, 2)
