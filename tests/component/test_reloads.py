"""The driver's side of a change: from what the file holds to what the coordinator is asked for."""

from __future__ import annotations

from typing import Any

from raysim.actors.reloads import Reloads
from raysim.core.config.reading import Findings, examine
from raysim.core.control.amending import rule
from raysim.core.control.terms import Amendment, Terms
from tests.unit.core.config.documents import document
from tests.unit.core.plan.scenarios import plan_of, scenario_of

BEGUN: dict[str, Any] = {"limits": {"maxCostUsd": 5}}


class Driver:
    """Looks once a second at whatever the file is said to hold."""

    def __init__(self) -> None:
        self.found: Findings | None = None
        self.now_s = 0.0
        self.plan = plan_of(**BEGUN)
        self.reloads = Reloads(self._look, scenario_of(**BEGUN), self.plan, lambda: self.now_s)
        self.terms = Terms.of(self.plan)

    def _look(self) -> Findings | None:
        found, self.found = self.found, None
        return found

    def write(self, **spec: Any) -> Amendment | None:
        self.found = examine(document(**spec))
        self.now_s += 1.0
        return self.reloads.look()

    def settle(self, asked: Amendment, run_s: float = 5.0) -> list[str]:
        ruling = rule(asked, self.terms, run_s, run_s + 2.5)
        self.terms = ruling.terms
        self.plan = self.reloads.settle(ruling)
        return self.reloads.told()


def phases(*seconds: int) -> dict[str, Any]:
    return {"phases": [{"name": f"p{n}", "duration": f"{s}s"} for n, s in enumerate(seconds)]}


def test_the_file_is_looked_at_once_a_second() -> None:
    driver = Driver()
    driver.found = examine(document(limits={"maxCostUsd": 6}))
    driver.now_s = 0.75
    assert driver.reloads.look() is None
    assert driver.found is not None
    driver.now_s = 1.0
    assert driver.reloads.look() is not None
    assert driver.found is None


def test_a_change_is_asked_for_and_becomes_what_the_next_is_compared_with() -> None:
    driver = Driver()
    asked = driver.write(limits={"maxCostUsd": 6})
    assert asked is not None
    assert asked.terms is not None
    assert asked.terms.limits.max_cost_usd == 6
    assert driver.settle(asked) == ["reloaded: spec.limits.maxCostUsd: 5 → 6"]
    assert driver.plan.limits.max_cost_usd == 6
    assert driver.write(limits={"maxCostUsd": 6}) is None
    again = driver.write(limits={"maxCostUsd": 5})
    assert again is not None
    assert driver.settle(again) == ["reloaded: spec.limits.maxCostUsd: 6 → 5"]
    assert driver.terms.version == 2


def test_what_is_refused_is_told_and_asked_for_again_with_the_next_change() -> None:
    driver = Driver()
    asked = driver.write(**BEGUN, organizations={"count": 2})
    assert asked is not None
    (line,) = driver.settle(asked)
    assert line.startswith("not reloaded: spec.organizations.count: cannot change during a run: ")
    assert driver.plan == plan_of(**BEGUN)
    again = driver.write(limits={"maxCostUsd": 6}, organizations={"count": 2})
    assert again is not None
    assert len(driver.settle(again)) == 2


def test_a_file_that_is_wrong_changes_nothing() -> None:
    driver = Driver()
    asked = driver.write(limits={"maxCostUsd": "much"})
    assert asked is not None
    assert asked.terms is None
    (line,) = driver.settle(asked)
    assert line.startswith("not reloaded: spec.limits.maxCostUsd: found")
    assert driver.plan == plan_of(**BEGUN)


def test_phases_that_came_too_late_are_asked_for_again() -> None:
    driver = Driver()
    first = driver.write(**BEGUN, loadPattern=phases(60, 10))
    assert first is not None
    told = driver.settle(first, run_s=59.0)
    assert told[-1].startswith("not reloaded: spec.loadPattern.phases[")
    second = driver.write(limits={"maxCostUsd": 5, "drain": "1s"}, loadPattern=phases(60, 10))
    assert second is not None
    assert any(change.path.startswith("spec.loadPattern") for change in second.changes)
