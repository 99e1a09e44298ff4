from __future__ import annotations

import asyncio

import pytest

from raysim.core.plan.estimate import Estimate
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.preflight.capacity import check_memory, check_slots
from raysim.preflight.platform import check_platform
from raysim.simplatform.server import start_platform
from tests.component.simplatform.tenant import fast_config


def estimate(users: int = 100, actors: int = 100, memory_mib: float = 6000.0) -> Estimate:
    return Estimate(1, users, users, actors, memory_mib, 150.0, 60.0, 1000, 0.01, 10.0)


@pytest.mark.parametrize(("slots", "verdict"), [(100.0, "passed"), (99.0, "failed"), (0.0, "failed")])
def test_every_user_needs_a_slot(slots: float, verdict: str) -> None:
    assert check_slots(estimate(), slots).verdict == verdict


def test_memory_that_does_not_suffice_comes_with_advice() -> None:
    check = check_memory(estimate(), 4096.0)
    assert check.verdict == "failed"
    assert check.found == "100 actors need about 5.9 GiB; this cluster has 4.0"
    assert "usersPerActor: 50" in check.advice
    assert check_memory(estimate(), 8192.0).verdict == "passed"


def target(url: str) -> TargetPlan:
    return TargetPlan("aiaas", url, url, AuthPlan(token_env="X"), 1.0, 1.0, 1.0)


async def test_a_platform_that_is_ready_passes() -> None:
    platform = await start_platform(fast_config(), "127.0.0.1")
    checks = await asyncio.to_thread(check_platform, target(platform.url))
    await platform.close()
    assert [check.verdict for check in checks] == ["passed"] * 4


def test_a_platform_that_is_not_there_fails_by_name() -> None:
    checks = check_platform(target("http://127.0.0.1:9"))
    assert {check.verdict for check in checks} == {"failed"}
    assert "127.0.0.1:9" in checks[0].found
