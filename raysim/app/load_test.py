"""The order of a run: place, set up, begin, watch, drain, store, clean up, report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

from raysim.actors.cluster import Cluster
from raysim.actors.coordinator_link import Asking, CoordinatorLink
from raysim.actors.metrics_link import MetricsLink
from raysim.actors.placement import (
    ActorLostError,
    Placement,
    fetch,
    ready_refs,
)
from raysim.actors.reloads import Reloads
from raysim.actors.run_record import RunRecord
from raysim.actors.survey import check_cluster, standing
from raysim.actors.tenant_desk import RemovalProgress
from raysim.app.crew import Crew
from raysim.app.facts import facts_of
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
from raysim.report.facts import CleanupFacts, RunFacts
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
        self._crew: Crew | None = None
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
                crew = self._bootstrap()
                self._begin(crew)
                self._watch(crew)
            except (BootstrapError, InterruptedRunError) as error:
                self._give_up(error)
            if self._crew is not None:
                # a key that is made while clean-up goes on would be left behind
                self._crew.end_replacing()
            self._store_records()
            cleanup = self._clean_up()
            self._withdraw_metrics()
            record: RunRecord = self._coordinator.ask("record")
            facts = facts_of(
                self._plan,
                record,
                cleanup,
                failure=self.failure,
                backends=self.backends,
                metrics=self._metrics,
            )
            return facts, record  # noqa: TRY300 - whatever breaks before is rescued
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
        if self._crew is not None:
            self._crew.end()
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
        if self._crew is not None:
            self._crew.end()
        handles = [metrics.handle for metrics in self._metrics]
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

    def _bootstrap(self) -> Crew:
        """Create the tenants, then the users in their actors. Raises BootstrapError, InterruptedRunError."""
        plan = self._plan
        try:
            self._patiently(self._coordinator.begin("prepare"), "creating organisations")
        except RaysimError as error:
            raise BootstrapError(error.message, hint=error.hint) from error
        briefs = [PackBrief.of(plan, pack, self._target) for pack in plan.packs]
        started_s = monotonic()
        self._crew = crew = self._new_crew()
        ready = crew.set_up(briefs, self._starting, _WATCH_INTERVAL_S)
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
        return crew

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

    def _new_crew(self) -> Crew:
        return Crew(
            self._placement,
            self._coordinator,
            [metrics.handle for metrics in self._metrics],
            self._view.note,
            drain_s=self._plan.limits.drain_s,
            debug=self._debug,
        )

    def _begin(self, crew: Crew) -> None:
        crew.begin()
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
        if self._crew is not None:
            self._crew.end()

    # ── the run ──

    def _watch(self, crew: Crew) -> None:
        drained_s: float | None = None
        going_on = True
        while crew.busy(going_on=going_on):
            crew.see_who_ended(_WATCH_INTERVAL_S)
            progress: RunProgress = self._coordinator.ask("watch")
            self._run_s = progress.run_s
            going_on = progress.state is RunState.RUNNING
            crew.look_after(progress)
            self._heed_interrupts(progress)
            self._follow_scenario(going_on=going_on)
            self._tell_of_exports()
            self._view.show(self._meter.running(progress, self._metrics[0].live()))
            if progress.state is RunState.DRAINED:
                drained_s = drained_s or monotonic()
                if monotonic() - drained_s > _HAND_OVER_S:
                    crew.wait_no_longer()
                    break
        if crew.faulty:
            self.exit_codes.add(ExitCode.INTERNAL)

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
