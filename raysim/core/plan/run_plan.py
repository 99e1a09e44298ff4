"""The plan of a run: who exists, who runs where, what happens when, at which prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from raysim.core.backends.target import BackendTarget
from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Threshold
from raysim.core.plan.load import LoadSchedule
from raysim.core.plan.metrics_plan import MetricsPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.pricing import Price


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """An organisation to create. `slug` carries the run's short id, so that two runs never collide."""

    index: int
    name: str
    slug: str
    users: int
    budget_usd: float | None


@dataclass(frozen=True, slots=True)
class UserPlan:
    """A user to create. `index` is its rank in the run (0 is activated first); `number` its rank in its org."""

    index: int
    tenant: int
    org_name: str
    number: int
    name: str
    email: str
    model: str
    seed: int


@dataclass(frozen=True, slots=True)
class PackPlan:
    """An actor to place, with the users it plays. Takes as many `sim_user` slots as it has users."""

    index: int
    name: str
    users: tuple[UserPlan, ...]


@dataclass(frozen=True, slots=True)
class LimitPlan:
    """Where the run stops. Money in USD, times in seconds, rates 0 to 1; None means no such limit."""

    max_cost_usd: float | None
    max_error_rate: float | None
    error_window_s: float
    min_requests: int
    count_refusals: bool
    max_duration_s: float | None
    max_requests_per_user: int | None
    lease_s: float
    drain_s: float
    max_requests_per_second: float | None = None
    unknown_cost: Literal["reserved", "counted"] = "reserved"


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """How users are set up: seconds for all of it, how many at a time, and the share that must succeed.

    When one is lost, the run is ended (`abort_on_loss`), or the user is replaced (`respawn`), or neither.
    """

    timeout_s: float
    concurrency: int
    min_success: float
    abort_on_loss: bool
    respawn: bool = False


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything a run is going to do. Pure data, the same for the same scenario, run id and seed."""

    run_id: str
    short_id: str
    scenario: str
    seed: int
    tenants: tuple[TenantPlan, ...]
    packs: tuple[PackPlan, ...]
    schedule: LoadSchedule
    behaviour: Behaviour
    prices: dict[str, Price]
    limits: LimitPlan
    bootstrap: BootstrapPlan
    target: TargetPlan
    key_days: int | None
    keys_per_user: int = 1
    thresholds: tuple[Threshold, ...] = ()
    slo: Slo | None = None
    #: whose metrics pages are read; of an embedded platform they are known once it is up
    backends: tuple[BackendTarget, ...] = ()
    metrics: MetricsPlan = field(default_factory=MetricsPlan)

    @property
    def users(self) -> tuple[UserPlan, ...]:
        """All users in the order in which they are activated."""
        return tuple(sorted((u for pack in self.packs for u in pack.users), key=lambda user: user.index))

    @property
    def user_count(self) -> int:
        """How many there are; unlike `users`, cheap enough to be asked for each pack."""
        return sum(tenant.users for tenant in self.tenants)


@dataclass(frozen=True, slots=True)
class PackBrief:
    """All that an actor is told about the run: its own users, and what they have in common. Holds no secret.

    `accepted` pairs users that were lost with the requests that they are known to have sent in former lives, where
    `limits.maxRequestsPerUser` counts them.
    """

    run_id: str
    short_id: str
    seed: int
    users_in_run: int
    incarnation: int
    pack: PackPlan
    schedule: LoadSchedule
    behaviour: Behaviour
    prices: dict[str, Price]
    limits: LimitPlan
    bootstrap: BootstrapPlan
    target: TargetPlan
    key_days: int | None
    keys_per_user: int = 1
    accepted: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, plan: RunPlan, pack: PackPlan, target: TargetPlan, incarnation: int = 0) -> PackBrief:
        """The brief for `pack`, with the platform's addresses as they are now known."""
        return cls(
            run_id=plan.run_id,
            short_id=plan.short_id,
            seed=plan.seed,
            users_in_run=plan.user_count,
            incarnation=incarnation,
            pack=pack,
            schedule=plan.schedule,
            behaviour=plan.behaviour,
            prices=plan.prices,
            limits=plan.limits,
            bootstrap=plan.bootstrap,
            target=target,
            key_days=plan.key_days,
            keys_per_user=plan.keys_per_user,
        )
