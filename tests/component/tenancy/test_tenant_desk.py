"""Who may be set up when, and when it is no use to go on; without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from raysim.actors.tenant_desk import Admission, TenantDesk
from raysim.core.plan.run_plan import RunPlan
from raysim.core.secret import Secret
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.sinks.journal import Journal
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import MadeUser, bootstrap_user, key_labels
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import TenancyError
from raysim.tenancy.select import open_platform
from tests.component.simplatform.tenant import fast_config
from tests.unit.core.plan.scenarios import plan_of


@pytest.fixture
async def platform() -> AsyncIterator[RunningPlatform]:
    running = await start_platform(fast_config(), "127.0.0.1")
    yield running
    await running.close()


def plan_for(platform: RunningPlatform, users: int, **bootstrap: Any) -> RunPlan:
    plan = plan_of(organizations={"count": 1}, users={"perOrg": {"min": users, "max": users}}, bootstrap=bootstrap)
    return replace(plan, target=replace(plan.target, router_url=platform.url, org_url=platform.url))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "resources.jsonl")
    yield opened
    opened.close()


def desk_for(
    platform: RunningPlatform, plan: RunPlan, journal: Journal, *, retain: bool = False, written: bytes = b""
) -> TenantDesk:
    async def token(refused: bool) -> Secret:
        del refused
        return Secret(platform.admin_token)

    return TenantDesk(plan, plan.target, journal, token, retain=retain, cleanup_timeout_s=10, written=written)


def entries(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "resources.jsonl").read_bytes().splitlines()
    return [(line["kind"], line["fate"]) for line in map(orjson.loads, lines) if line["kind"] != "run"]


async def test_intentions_come_before_what_is_made_and_turns_are_bounded(
    platform: RunningPlatform, journal: Journal, tmp_path: Path
) -> None:
    desk = desk_for(platform, plan_for(platform, 3, concurrency=2), journal)
    await desk.prepare()
    assert entries(tmp_path) == [("org", "intended"), ("org", "created")]
    first, second = await desk.admit(0), await desk.admit(1)
    assert first.org_id == second.org_id != ""
    assert entries(tmp_path)[2:4] == [("user", "intended"), ("key", "intended")]
    third = asyncio.create_task(desk.admit(2))
    await asyncio.sleep(0)
    assert not third.done()
    desk.settled(0, succeeded=True)
    desk.give_back(0)
    assert (await third).refusal == ""
    assert desk.removed().of == 0
    assert await desk.clean_up() == {"suspended": 1, "gone": 6}
    assert (desk.removed().done, desk.removed().of) == (7, 7)


async def test_what_cannot_succeed_any_more_is_not_tried(platform: RunningPlatform, journal: Journal) -> None:
    desk = desk_for(platform, plan_for(platform, 10, concurrency=1, minSuccess=0.8), journal)
    await desk.prepare()
    for user in range(3):
        assert (await desk.admit(user)).refusal == ""
        desk.settled(user, succeeded=user < 0)
    assert (await desk.admit(3)).refusal == "not tried: 3 users before could not be set up"


async def test_when_nobody_comes_up_the_rest_are_not_tried(platform: RunningPlatform, journal: Journal) -> None:
    desk = desk_for(platform, plan_for(platform, 100, concurrency=2, minSuccess=0.5), journal)
    await desk.prepare()
    refusals = []
    for user in range(6):
        refusals.append((await desk.admit(user)).refusal)
        desk.settled(user, succeeded=False)
    assert [bool(refusal) for refusal in refusals] == [False, False, False, False, True, True]


async def test_what_is_retained_is_noted_and_nothing_is_removed(
    platform: RunningPlatform, journal: Journal, tmp_path: Path
) -> None:
    desk = desk_for(platform, plan_for(platform, 1), journal, retain=True)
    await desk.prepare()
    await desk.admit(0)
    assert await desk.clean_up() == {"retained": 3}
    assert entries(tmp_path)[-3:] == [("key", "retained"), ("user", "retained"), ("org", "retained")]


async def test_two_runs_of_one_id_do_not_take_over_each_others_tenants(
    platform: RunningPlatform, journal: Journal, tmp_path: Path
) -> None:
    first = desk_for(platform, plan_for(platform, 1), journal)
    await first.prepare()
    second = desk_for(platform, plan_for(platform, 1), journal)
    with pytest.raises(TenancyError, match="it is not this run's, and is left alone"):
        await second.prepare()
    assert first.ledger.mark.startswith("run-1.")
    assert Ledger.parse((tmp_path / "resources.jsonl").read_bytes()).mark == second.ledger.mark != first.ledger.mark
    await second.clean_up()
    assert second.ledger.counts() == {"gone": 1}
    assert await first.clean_up() == {"suspended": 1}


async def test_a_user_that_is_set_up_again_keeps_its_id_and_its_old_keys_are_revoked(
    platform: RunningPlatform, journal: Journal
) -> None:
    desk = desk_for(platform, plan_for(platform, 1), journal)
    await desk.prepare()
    lives = []
    for life in range(2):
        admission = await desk.admit(0, life)
        lives.append(await set_up(platform, desk, admission, life))
        desk.settled(0, succeeded=True)
    (first, second) = lives
    assert (admission.user_id, second.user_id) == (first.user_id, first.user_id)
    keys = desk.ledger.find("key", "user-org-1-1")
    assert [(key.label, key.fate) for key in keys] == [
        ("raysim run-1 user-org-1-1", "revoked"),
        ("raysim run-1 user-org-1-1 life 2", "created"),
    ]
    assert len({key.resource_id for key in keys}) == 2
    assert len(desk.ledger.find("user", "user-org-1-1")) == 1
    counts = await desk.clean_up()
    assert counts == {"suspended": 2, "revoked": 2}


async def test_a_user_that_never_got_that_far_is_set_up_as_if_for_the_first_time(
    platform: RunningPlatform, journal: Journal
) -> None:
    desk = desk_for(platform, plan_for(platform, 1), journal)
    await desk.prepare()
    await desk.admit(0)
    desk.give_back(0)
    admission = await desk.admit(0, 1)
    assert admission.user_id == ""
    assert (await set_up(platform, desk, admission, 1)).user_id != ""


async def set_up(platform: RunningPlatform, desk: TenantDesk, admission: Admission, life: int) -> MadeUser:
    plan = plan_for(platform, 1)

    async def token(refused: bool) -> Secret:
        del refused
        return Secret(platform.admin_token)

    async def enter(resource: Resource) -> None:
        desk.enter([resource])

    tenants = open_platform(plan.target, token, mark=admission.mark)
    try:
        return await bootstrap_user(
            tenants,
            admission.org_id,
            plan.users[0],
            labels=key_labels(plan.run_id, plan.users[0], 1, life),
            key_days=1,
            enter=enter,
            attempts=Attempts(asyncio.get_running_loop().time() + 10),
            user_id=admission.user_id,
        )
    finally:
        tenants.close()


async def test_a_desk_goes_on_from_its_ledger(platform: RunningPlatform, journal: Journal, tmp_path: Path) -> None:
    plan = plan_for(platform, 2)
    before = desk_for(platform, plan, journal)
    await before.prepare()
    first = await before.admit(0)
    written = (tmp_path / "resources.jsonl").read_bytes()
    desk = desk_for(platform, plan, journal, written=written + b'{"time":1.0,"kind":"us')
    assert await desk.admit(1) == replace(first, user_id="")
    assert len(desk.ledger) == 5
    # asked to prepare again, it makes nothing twice, and the run keeps its mark
    await desk.prepare()
    lines = [orjson.loads(line) for line in (tmp_path / "resources.jsonl").read_bytes().splitlines()]
    assert [line["mark"] for line in lines if line["kind"] == "run"] == [first.mark]
    assert desk.ledger.ids("org") == before.ledger.ids("org")
    # one user too many has failed for anybody to be tried any more, whoever counted
    desk.recall(0, 2)
    desk.give_back(1)
    assert "not tried" in (await desk.admit(1)).refusal
    assert (await desk.clean_up())["suspended"] == 1
