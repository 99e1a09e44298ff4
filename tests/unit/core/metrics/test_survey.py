from __future__ import annotations

from raysim.core.control.messages import PackHealth, PackStatus, PackView, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.metrics.readings import PodReading, UserReading
from raysim.core.metrics.survey import pod_readings, take_readings
from tests.unit.core.plan.scenarios import plan_of

PLAN = plan_of(
    organizations={"count": 1},
    users={"perOrg": {"min": 2, "max": 2}},
    loadPattern={"type": "steady", "phases": [{"name": "load", "duration": "60s"}]},
)


def health(node: str, lag_ms: float = 1.0, cpu: float = 0.1, mib: float = 100.0) -> PackHealth:
    return PackHealth("pack", node, lag_ms, cpu, mib)


def test_a_pod_is_as_its_worst_actor_and_as_all_of_them_together() -> None:
    packs = [
        PackView(health("a", 2.0, 0.5), 3, drained=False, lost=False),
        PackView(health("a", 7.0, 0.25), 2, drained=True, lost=False),
        PackView(health("a", 90.0, 0.9), 0, drained=False, lost=True),
        PackView(health("b"), 1, drained=False, lost=False),
        PackView(None, 0, drained=False, lost=False),
    ]
    first, second = pod_readings(packs)
    assert first == PodReading("a", 1, 1, 1, 5, 200 * 2**20, 0.5, 0.007)
    assert second == PodReading("b", 1, 0, 0, 1, 100 * 2**20, 0.1, 0.001)


def test_readings_before_and_in_a_run() -> None:
    control = RunControl.of(PLAN)

    before = take_readings(PLAN, control.situation, [], now_s=5.0, pod="head", orgs_created=0)
    assert (before.run_s, before.phase, before.target, before.error_rate) == (None, "", 0, None)
    control.lives.pack_ready(0, [0, 1])
    control.begin(10.0)
    start_s = control.situation.run_start_s or 0.0
    totals = Totals(requests=4, success=3, error=1, cost_usd=0.5, unverified_usd=0.25)
    status = PackStatus(0, 1, totals, 2, 1, drained=False, health=health("a"), gone=((0, "auth"),))
    control.report(status, start_s + 30.0)
    during = take_readings(PLAN, control.situation, [(0, "a", 0.5)], now_s=start_s + 30.0, pod="head", orgs_created=1)
    assert (during.run_s, during.phase, during.target, during.active) == (30.0, "load", 2, 2)
    assert (during.error_rate, during.spent_usd, during.orgs_created) == (0.25, 0.75, 1)
    assert during.users == (UserReading(0, "a", 0.5, "auth"),)
    assert [pod.pod for pod in during.pods] == ["a"]
    assert during.stop_reason == ""
    control.stop("cost", "spent", 0.0, start_s + 31.0)
    after = take_readings(PLAN, control.situation, [], now_s=start_s + 32.0, pod="head", orgs_created=1)
    assert (after.stop_reason, after.target) == ("cost", 0)
