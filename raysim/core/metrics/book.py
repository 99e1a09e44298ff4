"""Everything that the metrics of a run are made of: requests are entered, snapshots are taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raysim.core.metrics.load_series import backend_values, course_values, limit_values, worker_values
from raysim.core.metrics.model_series import ModelSeries
from raysim.core.metrics.readings import BackendSays, PodReading, RunReadings, UserReading
from raysim.core.metrics.rows import RequestRows
from raysim.core.metrics.run_series import RunSeries
from raysim.core.metrics.snapshot import FamilyValues, MetricsSnapshot
from raysim.core.metrics.user_series import UserSeries
from raysim.core.plan.run_plan import RunPlan


class MetricsBook:
    """The metrics of one run. Not to be used by two threads at once.

    Args:
        plan: the run's plan.
        version: of raysim, for `run_info`.
        backends: ids that the platform will name, with the model of each, empty for all: their counters are there at
            zero.
    """

    def __init__(
        self,
        plan: RunPlan,
        version: str,
        backends: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._plan = plan
        self._version = version
        run_id = plan.run_id
        pairs = dict.fromkeys((user.org_name, user.model) for user in plan.users if user.model)
        self._run = RunSeries(run_id, [name for name, weight in plan.behaviour.strategies if weight > 0])
        self._models = ModelSeries(run_id, pairs, plan.prices, backends)
        self._users = UserSeries(run_id, plan.users) if plan.metrics.per_user else None

    def add(self, requests: RequestRows) -> None:
        """Enter requests, in any order."""
        self._run.add(requests)
        self._models.add(requests)
        if self._users is not None:
            self._users.add(requests)

    def snapshot(
        self,
        unix_s: float,
        readings: RunReadings | None = None,
        backends: Sequence[BackendSays] = (),
        *,
        dropped: int = 0,
    ) -> MetricsSnapshot:
        """All values at `unix_s`. Rates are those since the last snapshot: one for all sinks at each interval.

        Args:
            unix_s: now.
            readings: what the coordinator said last; None when it has not said anything yet.
            backends: what they said of themselves last.
            dropped: pushes that did not arrive.
        """
        plan, run_id = self._plan, self._plan.run_id
        users = self._users.values(readings.users if readings is not None else ()) if self._users is not None else ()
        run = [
            *course_values(plan, self._version, readings, dropped),
            *self._run.values(unix_s),
            *(worker_values(run_id, readings) if readings is not None else ()),
            *limit_values(plan, readings),
            *self._models.values(unix_s),
            *backend_values(run_id, backends),
        ]
        operations = self._wanted((self._models.operations(),))
        return MetricsSnapshot(run_id, unix_s, plan.metrics.labels, self._wanted(users), self._wanted(run), operations)

    def _wanted(self, families: Iterable[FamilyValues]) -> tuple[FamilyValues, ...]:
        groups = self._plan.metrics.groups
        return tuple(values for values in families if values.family.group in groups and values.series)


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """How many series a run begins with once its users are set up: of `users`, and `others`.

    `each_backend` are as many more for each backend that serves all tenants and models. Kinds of error that occur, and
    nodes with user actors beyond the first, add a few.
    """

    users: int
    others: int
    each_backend: int


def planned_series(plan: RunPlan) -> PlannedSeries:
    """How many series the run of `plan` exports: those of a snapshot of it."""
    pod = PodReading("", 0, 0, 0, 0, 0.0, 0.0, 0.0)
    users = tuple(UserReading(user.index, "", 0.0) for user in plan.users)
    readings = RunReadings(0.0, error_rate=0.0, coordinator_pod=" ", users=users, pods=(pod,))
    snapshot = MetricsBook(plan, "").snapshot(0.0, readings)
    larger = MetricsBook(plan, "", backends=(("another", ""),)).snapshot(0.0, readings)
    return PlannedSeries(
        users=sum(each.size for each in snapshot.shard),
        others=sum(each.size for each in snapshot.run),
        each_backend=larger.size - snapshot.size,
    )
