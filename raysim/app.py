"""The order of a run: place, set up, begin, watch, drain, store, clean up, report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from time import monotonic
from typing import Any

from raysim.actors.cluster import Cluster
from raysim.actors.coordinator_link import Asking, CoordinatorLink
from raysim.actors.metrics_link import MetricsLink
from raysim.actors.moves import Moves
from raysim.actors.nodes import Nodes, has_ended
from raysim.actors.placement import (
    ActorEndedError,
    ActorFaultError,
    ActorLostError,
    PlacedPack,
    Placement,
    bootstrap_results,
    fetch,
    ready_refs,
)
from raysim.actors.reloads import Reloads
from raysim.actors.replacements import Replacements
from raysim.actors.run_record import RunRecord
from raysim.actors.survey import check_cluster, standing
from raysim.actors.tenant_desk import RemovalProgress
from raysim.core.backends.target import BackendTarget
from raysim.core.control.messages import Event
from raysim.core.control.progress import RunProgress
from raysim.core.control.situation import RunState
from raysim.core.errors import BootstrapError, ExitCode, InterruptedRunError, RaysimError
from raysim.core.export.address import Destinations
from raysim.core.metrics.readings import RunReadings
from raysim.core.plan.estimate import estimate
from raysim.core.plan.run_plan import PackBrief, RunPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.preflight.check import Check, Tally, insist
from raysim.preflight.client_side import check_client_side
from raysim.preflight.expectations import Expectations
from raysim.preflight.kubernetes import check_own_namespace
from raysim.preflight.page import check_tls
from raysim.preflight.store import check_stores
from raysim.report.facts import CleanupFacts, LoadSample, LostUser, RunFacts, RunStatus
from raysim.report.live import View
from raysim.report.progress import ProgressMeter
from raysim.report.run_dir import RunDir
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.embedded import embedded_backends
from raysim.sinks.run_exports import RunExports

_WATCH_INTERVAL_S = 0.25
#: a pack that the coordinator calls drained has this long to hand over its records
_HAND_OVER_S = 30.0


class LoadTest:
    """One run from placement to clean-up, on a cluster that is already there.

    Args:
        plan: what is to happen.
        cluster: where.
        paths: the run's directory.
        view: shows how it goes.
        interrupts: how often a person or the cluster has asked for the end so far.
        expects: what preflight is to hold the plan and the world against.
        retain: whether tenants stay.
        cleanup_timeout_s: longest clean-up.
        debug: whether requests are logged one by one.
        simulated: what the embedded platform is like, if the run starts one.
        reloads: tells what changed in the scenario; None where there is nothing that could.
        wanted: where its files are to be copied.
        exports: copy them there.
    """

    def __init__(
        self,
        plan: RunPlan,
        cluster: Cluster,
        paths: RunDir,
        view: View,
        interrupts: Callable[[], int],
        *,
        expects: Expectations,
        retain: bool,
        cleanup_timeout_s: float,
        debug: bool,
        simulated: PlatformConfig,
        wanted: Destinations,
        exports: RunExports,
        reloads: Reloads | None = None,
    ) -> None:
        self._plan = plan
        self._expects = expects
        self._cluster = cluster
        self._paths = paths
        self._view = view
        self._interrupts = interrupts
        self._retain = retain
        self._cleanup_timeout_s = cleanup_timeout_s
        self._debug = debug
        self._simulated = simulated
        self._reloads = reloads
        self._wanted = wanted
        self._exports = exports
        self._placement = Placement(cluster, plan.run_id)
        self._target: TargetPlan = plan.target
        self._platform: Any = None
        self._link: CoordinatorLink | None = None
        self._metrics: list[MetricsLink] = []
        self._run_s = 0.0
        self._packs: list[PlacedPack] = []
        self._nodes = Nodes()
        self._replacements = Replacements(self._placement, self._place_again)
        self._moves: Moves | None = None
        self._meter = ProgressMeter(plan)
        self._obeyed = 0
        self.exit_codes: set[ExitCode] = set()
        self.failure: RaysimError | None = None
        #: whose metrics pages are read
        self.backends: tuple[BackendTarget, ...] = plan.backends
        #: address of the embedded platform, while it is up
        self.embedded_url = ""

    def run(self) -> tuple[RunFacts, RunRecord]:
        """Do it all; what went wrong is in `exit_codes` and `failure`, and the facts are there nevertheless.

        Raises:
            PreflightError: the platform or the cluster is not ready; nothing was created.
            RaysimError: the coordinator was lost.
        """
        try:
            self._start_platform()
            insist(check_tls(self._target))
            self._start_control()
            self._preflight()
            self._exports.start()
            try:
                self._bootstrap()
                self._begin()
                self._watch()
            except (BootstrapError, InterruptedRunError) as error:
                self._give_up(error)
            # a key that is made while clean-up goes on would be left behind
            self._replacements.end()
            self._store_records()
            cleanup = self._clean_up()
            self._withdraw_metrics()
            record: RunRecord = self._coordinator.ask("record")
            return self._facts(record, cleanup), record
        except ActorLostError as error:
            left = self._rescue()
            raise RaysimError(
                f"the run's coordinator or a metrics actor was lost: {error.message}", hint=left
            ) from error
        except BaseException:
            # whatever broke, no load and no tenant stays behind
            self._rescue()
            raise

    def _rescue(self) -> str:
        """End the load and remove what was created, as far as that is still possible; returns what to tell a person."""
        self._placement.end([pack.handle for pack in self._packs])
        listed = f"`raysim cleanup {self._paths.root}` removes what was created on the platform"
        if self._link is None:
            return "nothing was created"
        try:
            counts: dict[str, int] = self._link.ask("clean_up")
        except RaysimError:
            return listed
        return listed if counts.get("remaining") else "what was created on the platform has been removed"

    def close(self) -> None:
        """End every actor of the run; nothing keeps sending."""
        handles = [pack.handle for pack in self._packs] + [metrics.handle for metrics in self._metrics]
        coordinator = self._link.handle if self._link is not None else None
        self._placement.end([h for h in (*handles, coordinator, self._platform) if h is not None])
        shutil.rmtree(self._paths.state, ignore_errors=True)

    @property
    def _coordinator(self) -> CoordinatorLink:
        if self._link is None:
            raise RuntimeError("the coordinator is placed before anybody asks it")
        return self._link

    # ── before the run's second 0 ──

    def _start_platform(self) -> None:
        if self._plan.target.platform == "embedded":
            self._platform = self._placement.platform(self._simulated)
            self.embedded_url = fetch(self._platform.start.remote())
            self._target = replace(self._target, router_url=self.embedded_url, org_url=self.embedded_url)
            # its pages are known only now
            self.backends = self.backends or embedded_backends(self._simulated, self.embedded_url, self._plan.prices)
            self._view.note(f"simulated platform at {self.embedded_url}")

    def _preflight(self) -> None:
        """Check everything before anything is created. Raises PreflightError with all that failed.

        The coordinator asks the platform: it alone reads credentials.
        """
        expects = self._expects
        asking = self._coordinator.begin("check_platform", expects.probe)
        fitting = check_cluster(self._cluster, self._plan, estimate(self._plan), expects.nodes_wanted)
        own_side = [*check_client_side(self._target), *check_stores(self._wanted)]
        if not self._cluster.own:
            own_side += check_own_namespace(expects.need, standing(self._cluster, self._plan), os.environ)
        checks: list[Check] = [*expects.known, *own_side, *fitting, *self._patiently(asking, "preflight")]
        insist(checks)
        self._view.note(f"preflight: {Tally.of(checks)}")
        for check in checks:
            if check.told:
                self._view.note(f"{check.name}: {check.found}; {check.advice}")

    def _start_control(self) -> None:
        directory = str(self._paths.root)
        metrics = self._placement.metrics(self._plan, 0, directory, self.backends, self._target)
        self._metrics = [MetricsLink(metrics, 0, self._note, lambda: self._run_s)]
        coordinator = self._placement.coordinator(
            self._plan,
            self._target,
            directory,
            shards=len(self._metrics),
            retain=self._retain,
            cleanup_timeout_s=self._cleanup_timeout_s,
        )
        self._link = CoordinatorLink(coordinator, self._view.note)
        for link in self._metrics:
            fetch(link.handle.ready.remote())

    def _bootstrap(self) -> None:
        """Create the tenants, then the users in their actors. Raises BootstrapError, InterruptedRunError."""
        plan = self._plan
        try:
            self._patiently(self._coordinator.begin("prepare"), "creating organisations")
        except RaysimError as error:
            raise BootstrapError(error.message, hint=error.hint) from error
        briefs = [PackBrief.of(plan, pack, self._target) for pack in plan.packs]
        started_s = monotonic()
        self._packs = self._placement.users(
            briefs, self._coordinator.handle, self._shards, debug=self._debug, waiting=self._starting
        )
        ready = sum(self._ready_users(pack) for pack in list(self._packs)) + self._replaced_early()
        going: RunProgress = self._coordinator.ask("watch")
        if going.stop_reason:
            raise BootstrapError(
                f"{going.lost} of {len(plan.users)} users were lost while users were set up, "
                "and bootstrap.onLoss is abort",
                hint=f"why is in {self._paths.events} (pack_lost)",
            )
        self._view.note(f"{ready} of {len(plan.users)} users ready in {monotonic() - started_s:.1f} s")
        if ready < plan.bootstrap.min_success * len(plan.users):
            raise BootstrapError(
                f"only {ready} of {len(plan.users)} users could be set up; "
                f"bootstrap.minSuccess asks for {plan.bootstrap.min_success:.0%}",
                hint=f"why is in {self._paths.events} (bootstrap_failed, pack_lost)",
            )

    def _patiently(self, asking: Asking, message: str) -> Any:
        """The value of a call that may take long; the driver's heartbeat goes on meanwhile."""
        while not asking.answered(0.5):
            self._coordinator.ask("watch")
            self._tell_of_exports()
            self._view.show(self._meter.waiting(message))
        return asking.value

    def _starting(self, done: int, of: int) -> None:
        progress: RunProgress = self._coordinator.ask("watch")
        self._view.show(self._meter.waiting(f"starting actors: {done} of {of}"))
        if self._interrupts() or progress.stop_asked:
            raise InterruptedRunError("interrupted while users were being set up")

    def _ready_users(self, pack: PlacedPack) -> int:
        results, lost = bootstrap_results(pack)
        if lost:
            self._lost(pack, lost, certain=True)
        return sum(not result.error for result in results)

    def _replaced_early(self) -> int:
        """Wait for the packs that were lost while they were set up and are placed again; how many users they have."""
        ready = 0
        while self._replacements:
            waiting = self._replacements.wait(_WATCH_INTERVAL_S)
            self._starting(len(self._packs) - waiting, len(self._packs))
            for attempt in self._replacements.ended():
                ready += attempt.ready
                if attempt.failure:
                    self._lost(attempt.pack, attempt.failure, certain=True)
        return ready

    def _begin(self) -> None:
        for pack in self._packs:
            if not pack.lost:
                self._start(pack)
        self._coordinator.ask("begin")
        if self._platform is not None:
            begun: RunProgress = self._coordinator.ask("watch")
            fetch(self._platform.begin.remote(begun.run_s))

    def _give_up(self, error: RaysimError) -> None:
        """Nobody is to ask anything: end the user actors, and go on to the clean-up."""
        self.failure = error
        self.exit_codes.add(error.exit_code)
        reason = "interrupted" if isinstance(error, InterruptedRunError) else "bootstrap"
        self._coordinator.ask("request_stop", reason, error.message, 0.0)
        self._placement.end([pack.handle for pack in self._packs])
        self._packs = []

    # ── the run ──

    @property
    def _shards(self) -> list[Any]:
        return [metrics.handle for metrics in self._metrics]

    def _place_again(self, brief: PackBrief) -> PlacedPack:
        avoid = self._nodes.unfit
        pack = self._placement.user(brief, self._coordinator.handle, self._shards, debug=self._debug, avoid=avoid)
        self._packs.append(pack)
        return pack

    def _start(self, pack: PlacedPack) -> None:
        accepted = self._coordinator.ask("accepted", pack.users) if pack.brief.incarnation else ()
        pack.ended = pack.handle.run.remote(accepted)

    def _watch(self) -> None:
        running = {pack.ended: pack for pack in self._packs if not pack.lost}
        drain_s = self._plan.limits.drain_s
        moves = Moves(self._nodes, self._placement, self._replacements, self._coordinator, drain_s, self._view.note)
        self._moves = moves
        drained_s: float | None = None
        going_on = True
        while running or ((self._replacements or moves) and going_on):
            for ref in ready_refs(list(running), _WATCH_INTERVAL_S):
                self._pack_ended(running.pop(ref))
            progress: RunProgress = self._coordinator.ask("watch")
            self._run_s = progress.run_s
            going_on = progress.state is RunState.RUNNING
            for pack in self._gone_with_their_nodes(progress.silent, running.values()):
                del running[pack.ended]
                self._lost(pack, "its node does not answer")
            if going_on:
                moves.look(running.values())
            running |= {pack.ended: pack for pack in self._replaced(moves)}
            self._heed_interrupts(progress)
            self._follow_scenario(going_on=going_on)
            self._tell_of_exports()
            self._view.show(self._meter.running(progress, self._metrics[0].live()))
            if progress.state is RunState.DRAINED:
                drained_s = drained_s or monotonic()
                if monotonic() - drained_s > _HAND_OVER_S:
                    for pack in running.values():
                        self._lost(pack, "did not hand over its records in time")
                    return

    def _gone_with_their_nodes(self, silent: Collection[int], packs: Collection[PlacedPack]) -> list[PlacedPack]:
        """Of the packs that have not reported, those whose node is gone; Ray says so ten to twenty seconds later."""
        return [pack for pack in packs if pack.brief.pack.index in silent and self._nodes.is_gone(pack.node_id)]

    def _replaced(self, moves: Moves) -> list[PlacedPack]:
        """Packs that were lost or have moved, are ready again, and have begun to run."""
        ended = [attempt for attempt in self._replacements.ended() if not moves.concern(attempt)]
        ready = []
        for attempt in [*ended, *moves.due()]:
            if attempt.failure:
                self._lost(attempt.pack, attempt.failure, certain=True)
                continue
            self._view.note(f"{attempt.ready} of {len(attempt.pack.users)} users of {attempt.pack.name} are back")
            self._start(attempt.pack)
            ready.append(attempt.pack)
        return ready

    def _pack_ended(self, pack: PlacedPack) -> None:
        try:
            end = fetch(pack.ended)
        except ActorLostError as error:
            self._lost(pack, error.message, certain=isinstance(error, ActorEndedError))
        except ActorFaultError as error:
            # an error in our own code must not pass for a user that merely left
            self.exit_codes.add(ExitCode.INTERNAL)
            self._lost(pack, error.message.strip().splitlines()[-1], certain=True)
        else:
            if end.cut_off:
                self._lost(pack, "heard nothing of the coordinator within the lease time", certain=True)
            elif self._moves is not None:
                self._moves.has_left(pack)

    def _lost(self, pack: PlacedPack, why: str, *, certain: bool = False) -> None:
        names = ", ".join(user.name for user in pack.brief.pack.users[:3])
        more = "" if len(pack.users) <= 3 else f" and {len(pack.users) - 3} more"  # noqa: PLR2004 - three names shown
        self._view.note(f"lost {names}{more}: {why}")
        pack.lost = True
        certain = certain or has_ended(pack.handle)
        life = self._coordinator.ask("pack_lost", pack.brief.pack.index, pack.users, why, certain)
        if life and not (self._moves is not None and self._moves.was_lost(pack, life)):
            self._replacements.start(pack, life)

    def _heed_interrupts(self, progress: RunProgress) -> None:
        asked = max(self._interrupts(), progress.stop_asked)
        if asked > self._obeyed:
            self._obeyed = asked
            self.exit_codes.add(ExitCode.INTERRUPTED)
            drain_s = self._plan.limits.drain_s if asked == 1 else 0.0
            self._view.note("stopping: requests in flight may finish" if asked == 1 else "stopping at once")
            self._coordinator.ask("request_stop", "interrupted", "stopped from outside", drain_s)

    def _follow_scenario(self, *, going_on: bool) -> None:
        """Hand on what somebody changed in the scenario's file."""
        asked = self._reloads.look() if self._reloads is not None and going_on else None
        if self._reloads is None or asked is None:
            return
        self._plan = self._reloads.settle(self._coordinator.ask("amend", asked))
        self._meter.follow(self._plan)
        for line in self._reloads.told():
            self._view.note(line)

    def _note(self, event: Event, sentence: str) -> None:
        """Something happened that the coordinator cannot see."""
        self._view.note(sentence)
        self._coordinator.ask("note", event)

    def _tell_of_exports(self) -> None:
        for news in self._exports.news():
            self._note(news.event, news.sentence)

    # ── after the run ──

    def _store_records(self) -> None:
        readings: RunReadings = self._coordinator.ask("readings")
        for metrics in self._metrics:
            while not metrics.finished(readings):
                self._run_s = self._coordinator.ask("watch").run_s
                self._view.show(self._meter.waiting("storing records"))

    def _withdraw_metrics(self) -> None:
        """Take back what was pushed, if that is wanted, once it has been scraped for the last time."""
        if not self._plan.metrics.pushgateway_url or self._plan.metrics.retain:
            return
        for metrics in self._metrics:
            withdrawing = metrics.handle.withdraw.remote()
            while not ready_refs([withdrawing], 0.5):
                self._coordinator.ask("watch")
                self._view.show(self._meter.waiting("leaving metrics for a last scrape"))
            try:
                left = fetch(withdrawing)
            except ActorLostError as error:
                left = error.message
            if left:
                self._view.note(f"metrics were left behind: {left}")

    def _clean_up(self) -> CleanupFacts:
        started_s = monotonic()
        if self._target.platform != "static":
            self._view.note("leaving tenants in place" if self._retain else "removing what was created on the platform")
        cleaning = self._coordinator.begin("clean_up")
        while not cleaning.answered(0.5):
            self._coordinator.ask("watch")
            progress: RemovalProgress = self._coordinator.ask("removed")
            self._view.show(self._meter.waiting(f"cleaning up: {progress.done} of {progress.of} done"))
        facts = CleanupFacts.of(cleaning.value, monotonic() - started_s, f"raysim cleanup {self._paths.root}")
        if facts.remaining:
            self.exit_codes.add(ExitCode.LEFTOVERS)
        return facts

    def _facts(self, record: RunRecord, cleanup: CleanupFacts) -> RunFacts:
        names = {user.index: user.name for user in self._plan.users}
        workers = {pack.index: pack.name for pack in self._plan.packs}
        return RunFacts(
            plan=self._plan,
            status=_status(record.stop_reason, self.failure),
            stop_reason=record.stop_reason,
            stop_message=record.stop_message,
            started_at=record.started_at or 0.0,
            duration_s=record.drained_at_s,
            load_s=min(record.stopped_at_s, self._plan.schedule.duration_s),
            bootstrap_s=tuple(result.seconds for result in record.bootstraps if not result.error),
            lost=tuple(
                LostUser(names[loss.user], loss.at_run_s, loss.why, loss.heard_run_s, loss.back_run_s)
                for loss in record.lost
            ),
            lost_processes=record.lost_processes,
            cleanup=cleanup,
            samples=tuple(LoadSample(*sample) for sample in record.samples),
            packs=record.health,
            unsent=record.totals.unsent,
            arrivals_due=record.arrivals_due,
            lost_commitments={workers[pack]: usd for pack, usd in record.lost_commitments.items()},
            money_short_from_s=record.money_short_from_s,
            reloads=record.reloads,
            allowed_usd=record.allowed_usd,
            coordinator_restarts=record.restarts,
            backends=self.backends,
            outages=tuple(outage for metrics in self._metrics for outage in metrics.outages),
            exports=tuple(metrics.exports for metrics in self._metrics),
        )


def _status(stop_reason: str, failure: RaysimError | None) -> RunStatus:
    if stop_reason == "interrupted":
        return RunStatus.INTERRUPTED
    if failure is not None:
        return RunStatus.FAILED
    return RunStatus.COMPLETED if stop_reason == "completed" else RunStatus.STOPPED
