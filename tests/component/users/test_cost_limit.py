"""A pack under a limit of cost, held against the books of the simulated platform."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest

from raysim.core.control.rations import Rations
from raysim.core.pricing import dollars
from raysim.simplatform.config import Faults
from tests.component.users.stage import KEY, Stage, flat, make_behaviour, make_brief
from tests.component.users.test_pack import Held, Serve, serve, url
from tests.component.users.test_platform_books import Platform, Start, start

__all__ = ["serve", "start"]

LIMIT_USD = 0.03


async def play(
    platform: Platform,
    limit_usd: float = LIMIT_USD,
    users: int = 12,
    unknown_cost: Literal["reserved", "counted"] = "reserved",
    **behaviour: Any,
) -> Stage:
    """Let users ask until the limit is reached, as the coordinator would judge it."""
    brief = make_brief(
        platform.url, users, make_behaviour(**behaviour), max_cost_usd=limit_usd, unknown_cost=unknown_cost
    )
    stage = Stage(brief, keys=[platform.tenant.secret] * users)
    rations = stage.coordinator.rations = Rations(brief.limits)
    stage.coordinator.switch(*range(users))
    await stage.coordinator.until(lambda _: rations.judge() is not None)
    breach = rations.judge()
    assert breach is not None
    assert breach.limit == "cost"
    await stage.end()
    return stage


def committed(stage: Stage) -> float:
    assert stage.coordinator.rations is not None
    treasury = stage.coordinator.rations._treasury
    assert treasury is not None
    return dollars(treasury.committed)


async def test_the_limit_is_used_and_not_overspent(start: Start) -> None:
    platform = await start()
    stage = await play(platform)
    billed = (await platform.books())["total"]["usd"]
    totals = stage.coordinator.statuses[-1].totals
    assert 0.95 * LIMIT_USD <= billed <= LIMIT_USD
    assert math.isclose(billed, totals.cost_usd, rel_tol=1e-9)
    assert math.isclose(committed(stage), billed, rel_tol=1e-6)
    assert totals.unverified_usd == totals.beyond_usd == 0.0
    # whoever waited when it was over has asked for nothing
    assert totals.unsent > 0
    rows = stage.records.rows
    assert max(row["held_ns"] for row in rows) > 0
    for row in rows:
        assert row["cost_usd"] <= row["reserved_usd"]
        assert row["sent_ns"] >= max(0, row["held_ns"])


@pytest.mark.parametrize(
    "faults",
    [Faults(cut_stream_rate=0.3), Faults(reset_rate=0.3), Faults(cut_stream_rate=0.2, reset_rate=0.2, error_rate=0.2)],
    ids=["cut", "reset", "all"],
)
async def test_what_cannot_be_known_counts_as_spent(start: Start, faults: Faults) -> None:
    platform = await start(faults=faults)
    stage = await play(platform)
    billed = (await platform.books())["total"]["usd"]
    totals = stage.coordinator.statuses[-1].totals
    assert billed <= LIMIT_USD
    assert 0.95 * LIMIT_USD <= totals.cost_usd + totals.unverified_usd <= LIMIT_USD * (1 + 1e-9)
    assert billed <= totals.cost_usd + totals.unverified_usd
    for row in stage.records.rows:
        unknown = row["error_type"] in ("stream_interrupted", "connection_reset")
        assert (row["unverified_usd"] > 0) == unknown, row["error_type"]
        if unknown:
            assert row["cost_usd"] + row["unverified_usd"] == pytest.approx(row["reserved_usd"], rel=1e-6)


async def test_where_no_more_is_billed_than_arrives_only_that_counts(start: Start) -> None:
    platform = await start(faults=Faults(cut_stream_rate=0.3))
    stage = await play(platform, unknown_cost="counted")
    billed = (await platform.books())["total"]["usd"]
    totals = stage.coordinator.statuses[-1].totals
    assert 0.95 * LIMIT_USD <= billed <= LIMIT_USD
    assert math.isclose(billed, totals.cost_usd, rel_tol=1e-9)
    # what might have been billed by another platform is said all the same
    assert totals.unverified_usd > 0


async def test_whole_answers_and_retries_are_held_to_it(start: Start) -> None:
    platform = await start(faults=Faults(error_rate=0.3))
    stage = await play(platform, streaming=False)
    billed = (await platform.books())["total"]["usd"]
    assert 0.95 * LIMIT_USD <= billed <= LIMIT_USD
    assert stage.coordinator.statuses[-1].totals.error > 0


async def test_a_platform_that_bills_beyond_the_request_is_told_on(start: Start) -> None:
    platform = await start(faults=Faults(overbill_rate=0.1, overbill_tokens=300))
    stage = await play(platform)
    billed = (await platform.books())["total"]["usd"]
    totals = stage.coordinator.statuses[-1].totals
    assert math.isclose(billed, totals.cost_usd, rel_tol=1e-9)
    beyond = [row["cost_usd"] - row["reserved_usd"] for row in stage.records.rows]
    assert totals.beyond_usd == pytest.approx(sum(max(0.0, usd) for usd in beyond))
    assert totals.beyond_usd > 0
    # from the first such bill on, reservations are large enough for the next
    assert billed <= LIMIT_USD + 12 * 0.003


async def test_a_limit_below_one_request_lets_nothing_through(start: Start) -> None:
    platform = await start()
    stage = await play(platform, limit_usd=0.0001)
    assert (await platform.books())["total"]["requests"]["total"] == 0
    assert stage.records.rows == []
    assert stage.coordinator.statuses[-1].totals.unsent == 12


async def test_an_answer_that_is_cut_off_at_the_end_counts_in_full(serve: Serve) -> None:
    held = Held()
    brief = make_brief(url(await serve(held)), 1, max_cost_usd=1.0)
    stage = Stage(brief, keys=[KEY])
    stage.coordinator.rations = Rations(brief.limits)
    stage.coordinator.switch(0)
    await held.begun.wait()
    end = await stage.end(drain_s=0.1)
    (row,) = stage.records.rows
    assert (end.totals.cancelled, row["error_type"]) == (1, "cancelled")
    assert row["cost_usd"] + row["unverified_usd"] == pytest.approx(row["reserved_usd"])
    assert committed(stage) == pytest.approx(row["reserved_usd"])


async def test_the_rate_is_capped(start: Start) -> None:
    platform = await start()
    brief = make_brief(platform.url, 8, make_behaviour(think_s=flat(0.0)), max_rate=40.0)
    stage = Stage(brief, keys=[platform.tenant.secret] * 8)
    stage.coordinator.rations = Rations(brief.limits)
    stage.coordinator.switch(*range(8))
    await stage.coordinator.until(lambda status: status.totals.requests >= 24)
    await stage.end()
    sent = sorted(row["due_unix_ns"] + row["sent_ns"] for row in stage.records.rows)
    spans = [(later - earlier) / 1e9 for earlier, later in zip(sent, sent[20:], strict=False)]
    # twenty requests take half a second at this rate; a slot may be used 0.2 s late
    assert min(spans) >= 0.5 - 0.2 - 0.05
    assert sum(row["held_ns"] > 0 for row in stage.records.rows) > 12
