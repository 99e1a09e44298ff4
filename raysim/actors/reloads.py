"""The scenario's file as the driver follows it during a run: what changed there becomes a change of the run's terms."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from raysim.core.config.reading import Findings
from raysim.core.config.reload import Comparison, compare, keep_phases
from raysim.core.config.scenario import Scenario
from raysim.core.control.terms import Amendment, Ruling, Terms
from raysim.core.errors import Problem
from raysim.core.plan.build import amended
from raysim.core.plan.run_plan import RunPlan

#: seconds between two looks at the file
_EVERY_S = 1.0


class Reloads:
    """Asks for the changes that a scenario's file asks for.

    Args:
        look: what the file holds when that has changed, else None.
        scenario: what the run began with.
        plan: its plan.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        look: Callable[[], Findings | None],
        scenario: Scenario,
        plan: RunPlan,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._look = look
        self._scenario = scenario
        self._plan = plan
        self._clock = clock
        self._looked_s = clock()
        self._asked: Comparison | None = None
        self._told: list[str] = []

    def look(self) -> Amendment | None:
        """The change that is asked for; None when there is none, or the last look was less than a second ago."""
        if self._clock() - self._looked_s < _EVERY_S:
            return None
        self._looked_s = self._clock()
        found = self._look()
        if found is None:
            return None
        if found.scenario is None:
            self._asked = None
            return Amendment(None, (), found.errors)
        self._asked = compare(self._scenario, found.scenario)
        if not self._asked.changes and not self._asked.refused:
            return None
        terms = Terms.of(amended(self._plan, self._asked.effective))
        return Amendment(terms, self._asked.changes, self._asked.refused)

    def settle(self, ruling: Ruling) -> RunPlan:
        """The coordinator has ruled on the last change; returns the plan that is in force now."""
        done = ruling.reload
        if self._asked is not None and done.applied:
            effective = self._asked.effective
            self._scenario = keep_phases(effective, self._scenario) if ruling.phases_kept else effective
        self._plan = ruling.terms.on(self._plan)
        self._told = [f"reloaded: {change}" for change in done.applied]
        self._told += [f"not reloaded: {_sentence(problem)}" for problem in done.refused]
        return self._plan

    def told(self) -> list[str]:
        """What to tell a person of the last ruling."""
        return self._told


def _sentence(problem: Problem) -> str:
    return str(problem) if problem.path else f"the scenario cannot be read: {problem.message}"
