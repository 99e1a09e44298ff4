"""Putting actors where they belong: users by their slots, the rest on the driver's node."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raysim.actors.cluster import USER_RESOURCE, Cluster
from raysim.actors.coordinator import Coordinator
from raysim.actors.metrics import MetricsActor
from raysim.actors.named import PLATFORM_NAME, metrics_name
from raysim.actors.platform import PlatformActor
from raysim.actors.user import Bootstrapped, UserActor
from raysim.core.backends.target import BackendTarget
from raysim.core.errors import RaysimError
from raysim.core.plan.run_plan import PackBrief, RunPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.simplatform.config import PlatformConfig

#: coordinators outlive their drivers, so they live in a namespace that anyone can find
COORDINATOR_NAMESPACE = "raysim"
#: calls that may wait in the coordinator at once: every pack's report and every user's admission
_COORDINATOR_CALLS = 5000
#: a start-up keeps this many actors per CPU under way: more only compete for the same cores
_STARTING_PER_CPU = 4
_FEWEST_STARTING = 4
#: whether Ray's head keeps a note of each call of an actor: about one a second of every pack, for tens of thousands of
#: calls, which nobody looks at. Without, the head's memory stays as it is (docs/tuning.md); actors are listed as ever
_TASK_EVENTS = False
#: one that dies more often than this in a run does not die by accident
_METRICS_RESTARTS = 10
#: what Ray's message says when an actor went with its node, and the label that every node has
_NODE_DIED = "its node has died"
_NODE_LABEL = "ray.io/node-id"
#: beyond the time that setting up its users may take: for a slot to become free, and a process to start
_PLACING_S = 60.0
#: what is said of a pack whose time was up before it was ready
NOT_PLACED = "no node had slots for it, or it did not start in time"


@dataclass(slots=True, eq=False)
class PlacedPack:
    """A pack's actor.

    `started` resolves to its bootstrap results, `ended` (once running) to its end, `where` to its node's id. `until_s`
    is the monotonic second until which its start is waited for.
    """

    brief: PackBrief
    handle: Any
    started: Any
    where: Any
    ended: Any = None
    lost: bool = False
    #: why its start is waited for no longer; "" while it is, and once it has started
    given_up: str = ""
    until_s: float = field(init=False)
    _node_id: str = ""

    def __post_init__(self) -> None:
        self.until_s = monotonic() + self.brief.bootstrap.timeout_s + _PLACING_S

    @property
    def overdue(self) -> bool:
        """Whether it should have been placed, started and set up by now."""
        return monotonic() > self.until_s

    @property
    def node_id(self) -> str:
        """The node that it is on; "" while that is not known, or when it was never known."""
        if not self._node_id and ready_refs([self.where], 0.0):
            with contextlib.suppress(RaysimError):
                self._node_id = fetch(self.where)
        return self._node_id

    @property
    def name(self) -> str:
        """What its actor is called."""
        return self.brief.pack.name

    @property
    def users(self) -> list[int]:
        """Indices of its users."""
        return [user.index for user in self.brief.pack.users]


class ActorLostError(RaysimError):
    """An actor's process is gone; the message says why, on one line."""


class ActorEndedError(ActorLostError):
    """An actor's process has ended for certain; any other lost one may only be out of reach."""


class ActorFaultError(RaysimError):
    """An actor raised what it should not have: an error of raysim's own."""


def fetch(ref: Any) -> Any:
    """The value of a call to an actor.

    Raises:
        RaysimError: the call raised one; it comes out as itself, not wrapped by Ray.
        ActorLostError: the actor is gone; ActorEndedError if its process is known to have ended.
        ActorFaultError: the call raised anything else.
    """
    try:
        return ray.get(ref)
    except RayActorError as error:
        if _NODE_DIED in str(error):
            raise ActorLostError("its node died") from error
        if isinstance(error, ActorUnavailableError):
            raise ActorLostError("its process cannot be reached") from error
        kind = ActorEndedError if isinstance(error, ActorDiedError) else ActorLostError
        raise kind(_first_line(error)) from error
    except RayTaskError as error:
        if isinstance(error.cause, RaysimError):
            raise error.cause from None
        raise ActorFaultError(f"internal error in an actor: {error}") from error


def ready_refs(refs: Sequence[Any], timeout_s: float) -> list[Any]:
    """Those of `refs` that have a value or an error, after at most `timeout_s` seconds."""
    if not refs:
        return []
    done, _ = ray.wait(list(refs), num_returns=len(refs), timeout=timeout_s, fetch_local=False)
    return list(done)


class Placement:
    """Creates a run's actors and ends them.

    Args:
        cluster: where.
        run_id: which run.
    """

    def __init__(self, cluster: Cluster, run_id: str) -> None:
        self._cluster = cluster
        self._run_id = run_id
        self._on_driver = NodeAffinitySchedulingStrategy(cluster.driver_node_id, soft=False)

    def platform(self, config: PlatformConfig) -> Any:
        """An actor that serves the simulated platform, on the driver's node."""
        host = "127.0.0.1" if self._cluster.nodes == 1 else self._cluster.driver_node_ip
        return self._pinned(PlatformActor, PLATFORM_NAME).remote(host, config)

    def coordinator(
        self,
        plan: RunPlan,
        target: TargetPlan,
        directory: str,
        *,
        shards: int,
        retain: bool,
        cleanup_timeout_s: float,
    ) -> Any:
        """The run's coordinator: detached, so that it can clean up after a driver that died.

        Ray starts it again when its process dies, and it goes on from its checkpoint. Calls that were under way then
        fail: whoever made them knows whether to make them again.
        """
        actor = ray.remote(Coordinator).options(
            name=self._run_id,
            namespace=COORDINATOR_NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            max_task_retries=0,
            num_cpus=0,
            max_concurrency=_COORDINATOR_CALLS,
            scheduling_strategy=self._on_driver,
            enable_task_events=_TASK_EVENTS,
        )
        return actor.remote(plan, target, directory, shards=shards, retain=retain, cleanup_timeout_s=cleanup_timeout_s)

    def metrics(
        self, plan: RunPlan, shard: int, directory: str, backends: tuple[BackendTarget, ...], platform: TargetPlan
    ) -> Any:
        """A metrics actor on the driver's node, where the results are written.

        Ray starts it again when its process dies. A call that was under way then fails: packs know by that what they
        have to send once more.
        """
        actor = self._pinned(MetricsActor, metrics_name(shard), max_restarts=_METRICS_RESTARTS, max_task_retries=0)
        return actor.remote(plan, shard, directory, backends, platform)

    def users(
        self,
        briefs: Sequence[PackBrief],
        coordinator: Any,
        metrics: Sequence[Any],
        *,
        debug: bool,
        waiting: Callable[[int, int], None],
    ) -> list[PlacedPack]:
        """Start the packs' actors a few at a time and have them set up their users.

        `waiting(done, all)` is called twice a second or so, also to keep the driver's heartbeat going; it may raise to
        give up, and then the actors started so far are ended.
        """
        window = max(_FEWEST_STARTING, int(self._cluster.cpus * _STARTING_PER_CPU))
        packs: list[PlacedPack] = []
        starting: dict[Any, PlacedPack] = {}
        queue = list(reversed(briefs))
        try:
            while queue or starting:
                while queue and len(starting) < window:
                    pack = self.user(queue.pop(), coordinator, metrics, debug=debug)
                    packs.append(pack)
                    starting[pack.started] = pack
                for ref in ready_refs(list(starting), 0.5):
                    del starting[ref]
                for pack in [pack for pack in starting.values() if pack.overdue]:
                    # its node may have gone, and no other has slots
                    pack.given_up = NOT_PLACED
                    self.end([pack.handle])
                    del starting[pack.started]
                waiting(len(packs) - len(starting), len(briefs))
        except BaseException:
            self.end([pack.handle for pack in packs])
            raise
        return packs

    def user(
        self, brief: PackBrief, coordinator: Any, metrics: Sequence[Any], *, debug: bool, avoid: Collection[str] = ()
    ) -> PlacedPack:
        """Start a pack's actor and have it set up its users, on any node but those to `avoid`."""
        # the name of one that has just died may not be free yet
        name = brief.pack.name + (f"~{brief.incarnation}" if brief.incarnation else "")
        actor: Any = ray.remote(UserActor).options(
            name=name,
            num_cpus=0,
            resources={USER_RESOURCE: float(len(brief.pack.users))},
            scheduling_strategy="SPREAD",
            label_selector={_NODE_LABEL: f"!in({','.join(avoid)})"} if avoid else None,
            enable_task_events=_TASK_EVENTS,
        )
        shard = metrics[brief.pack.index % len(metrics)]
        handle: Any = actor.remote(brief, coordinator, shard, debug=debug)
        return PlacedPack(brief, handle, handle.bootstrap.remote(), handle.node_id.remote())

    def _pinned(self, cls: type, name: str, **more: Any) -> Any:
        common = {"num_cpus": 0, "scheduling_strategy": self._on_driver, "enable_task_events": _TASK_EVENTS}
        return ray.remote(cls).options(name=name, **common, **more)

    def end(self, handles: Sequence[Any]) -> None:
        """End actors at once; those that are gone already do not matter."""
        for handle in handles:
            ray.kill(handle, no_restart=True)


def bootstrap_results(pack: PlacedPack) -> tuple[list[Bootstrapped], str]:
    """How a started pack's users were set up, and why its actor was lost if it was."""
    if pack.given_up:
        return [], pack.given_up
    try:
        results: list[Bootstrapped] = fetch(pack.started)
    except ActorLostError as error:
        return [], error.message
    return results, ""


def _first_line(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return (first[0] if first else type(error).__name__)[:200]
