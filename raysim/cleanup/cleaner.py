"""Removes what one run owes, on the platform and at a Pushgateway, or what a platform lists of runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from time import monotonic, time
from typing import TypeVar

from raysim.cleanup.left_run import NOTHING_STAYS, CleanedRun, LeftRun, WithdrawnMetrics
from raysim.core.config.scenario import Scenario
from raysim.core.errors import PreflightError
from raysim.core.plan.build import plan_target
from raysim.core.plan.target_plan import TargetPlan
from raysim.sinks.journal import Journal
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.pushed_groups import delete_groups
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.liveness import AliveError, LifeMark, keeper_of
from raysim.tenancy.port import Tagged, TenancyError, TenantPlatform
from raysim.tenancy.removal import RemovalTerms, remove_owed
from raysim.tenancy.select import control_client, open_platform

_REMOVALS_AT_ONCE = 16
_PROGRESS_S = 2.0
_TRIES = 4

Say = Callable[[str], None]
_Answer = TypeVar("_Answer")


class Cleaner:
    """Removes what ledgers owe, and says how it goes.

    Args:
        environ: where credentials that scenarios refer to are looked for.
        say: takes a line for a person.
        force: also what somebody seems to look after.
    """

    def __init__(self, environ: Mapping[str, str], say: Say, *, force: bool = False) -> None:
        self._environ = environ
        self._say = say
        self._force = force

    async def clean(self, run: LeftRun, *, retained: bool = True) -> CleanedRun:
        """Remove everything that `run` still owes, and what it pushed if that is not to stay.

        A gateway that cannot be asked leaves its trouble in what is returned: metrics harm nobody.

        Args:
            run: as read from its directory; its ledger there is continued.
            retained: with what it left on purpose.

        Raises:
            PreflightError: it goes on, or the platform cannot be asked; nothing was changed.
        """
        cleaned = await self._clean_tenants(run, retained=retained)
        return replace(cleaned, metrics=await self._withdraw(run)) if run.takes_metrics_back else cleaned

    async def _clean_tenants(self, run: LeftRun, *, retained: bool) -> CleanedRun:
        started_s = monotonic()
        reason = NOTHING_STAYS.get(run.target.platform)
        if reason and run.ledger.owed():
            self._insist_on_its_end(run)
        owed = [] if reason else run.ledger.owed(retained=retained)
        if not owed:
            where = " on the platform" if run.takes_metrics_back else ""
            self._say(f"{run.run_id}: nothing to do{where}{f': {reason}' if reason else ''}")
            return CleanedRun(run.run_id, {}, (), 0.0)
        with ExitStack() as stack:
            self._insist_on_its_end(run)
            stack.callback(self._mark(run))
            journal = Journal(run.paths.resources)
            stack.callback(journal.close)

            async def written(resources: list[Resource]) -> None:
                journal.append(({"time": time(), **asdict(resource)} for resource in resources), sync=False)

            where = run.target.org_url or run.target.router_url
            self._say(f"{run.run_id}: {_listed(owed)} to remove at {where}")
            terms = RemovalTerms(run.scenario.spec.cleanup.timeout, retained=retained)
            await self._remove(run.target, run.run_id, run.ledger, written, terms)
            events = Journal(run.paths.events)
            stack.callback(events.close)
            counts = run.ledger.counts()
            events.append([{"time": time(), "run_s": None, "kind": "cleaned_up", "detail": counts}])
        left = tuple(run.ledger.owed(retained=retained))
        return CleanedRun(run.run_id, counts, left, monotonic() - started_s)

    async def _withdraw(self, run: LeftRun) -> WithdrawnMetrics:
        """Delete what was pushed; what a run that goes on pushes is its own business."""
        url, holder = run.metrics.pushgateway_url, keeper_of(run.paths.root)
        if holder and not self._force:
            return WithdrawnMetrics(url, 0, f"the run is looked after by {holder}, which deletes them at its end")
        try:
            return WithdrawnMetrics(url, await asyncio.to_thread(delete_groups, run.metrics, run.run_id, self._environ))
        except SinkError as error:
            return WithdrawnMetrics(url, 0, str(error))

    async def clean_tagged(self, scenario: Scenario, older_than_s: float, spare: set[str]) -> list[CleanedRun]:
        """Remove what the platform itself lists as made by runs, longer ago than `older_than_s`.

        Args:
            scenario: names the platform and the credential.
            older_than_s: seconds; what is younger, or of unknown age, is left alone.
            spare: ids of runs that are left alone.

        Raises:
            PreflightError: the platform cannot be asked.
        """
        target = plan_target(scenario)
        if target.platform in NOTHING_STAYS:
            return []
        with ExitStack() as stack:
            (platform,) = self._open(target, "", stack, 1)
            tagged = await self._asked(platform.tagged)
        runs: dict[str, list[Tagged]] = {}
        for found in tagged:
            if found.run_id not in spare and found.made_at and time() - found.made_at > older_than_s:
                runs.setdefault(found.run_id, []).append(found)
        cleaned = []
        for run_id, found_there in sorted(runs.items()):
            started_s = monotonic()
            ledger = Ledger(Resource(t.kind, t.resource_id, t.org_id, t.name) for t in found_there)
            self._say(f"{run_id}: {_listed(ledger.owed())} to remove, as the platform lists them")
            await self._remove(target, run_id, ledger, _nowhere, RemovalTerms(scenario.spec.cleanup.timeout))
            cleaned.append(CleanedRun(run_id, ledger.counts(), tuple(ledger.owed()), monotonic() - started_s))
        return cleaned

    def _insist_on_its_end(self, run: LeftRun) -> None:
        """Raises PreflightError when somebody looks after the run."""
        holder = keeper_of(run.paths.root)
        if holder and not self._force:
            raise _looked_after(run, holder)

    def _mark(self, run: LeftRun) -> Callable[[], None]:
        """Hold the run's mark as long as it is cleaned; returns what releases it. Raises PreflightError."""
        try:
            return LifeMark(run.paths.root).release
        except AliveError as error:
            if not self._force:
                raise _looked_after(run, str(error)) from error
            return lambda: None

    async def _remove(
        self,
        target: TargetPlan,
        run_id: str,
        ledger: Ledger,
        written: Callable[[list[Resource]], Awaitable[None]],
        terms: RemovalTerms,
    ) -> None:
        with ExitStack() as stack:
            platforms = self._open(target, ledger.mark or run_id, stack, _REMOVALS_AT_ONCE)
            owed = ledger.owed(retained=terms.retained)
            await self._asked(lambda: _first_question(platforms[0], owed))
            progress = asyncio.create_task(self._progress(run_id, ledger, len(owed), terms))
            try:
                await remove_owed(ledger, platforms, written, terms)
            finally:
                progress.cancel()

    async def _progress(self, run_id: str, ledger: Ledger, of: int, terms: RemovalTerms) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            self._say(f"{run_id}: {of - len(ledger.owed(retained=terms.retained))} of {of} done")

    def _open(self, target: TargetPlan, mark: str, stack: ExitStack, connections: int) -> list[TenantPlatform]:
        missing = [name for name in _variables(target) if not self._environ.get(name, "").strip()]
        if missing:
            raise PreflightError(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set in the environment, where the "
                "scenario says that the administrator's credential is; nothing was changed",
                hint="set it in this shell and call this again",
            )
        login = control_client(target) if target.auth.email else None
        if login is not None:
            stack.callback(login.close)
        credential = AdminCredential(target.auth, self._environ, login)
        platforms = [open_platform(target, credential.token, mark=mark) for _ in range(connections)]
        for platform in platforms:
            stack.callback(platform.close)
        return platforms

    async def _asked(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer to a call that changes nothing. Raises PreflightError when there is none to be had."""
        attempts = Attempts(float("inf"), most=_TRIES)
        try:
            return await attempts.at(call)
        except TenancyError as error:
            raise PreflightError(f"{error.message}; nothing was changed", hint=error.hint) from error


def _looked_after(run: LeftRun, holder: str) -> PreflightError:
    return PreflightError(
        f"{run.run_id} is looked after by {holder}, which removes its tenants itself when it ends",
        hint="wait until it has ended (Ctrl-C or SIGTERM to its driver ends it), or use --force",
    )


async def _first_question(platform: TenantPlatform, owed: Sequence[Resource]) -> None:
    """Ask of one of them, to see that the platform answers and the credential is right. Raises TenancyError."""
    first = next((resource for resource in owed if resource.kind == "org"), owed[0])
    if first.resource_id:
        await platform.is_usable(first.kind, first.org_id, first.resource_id)
    else:
        await platform.find(first.kind, first.org_id, first.label)


def _variables(target: TargetPlan) -> list[str]:
    """Names of the environment variables that the administrator's credential is in."""
    auth = target.auth
    return [name for name in (auth.token_env, auth.password_env, auth.client_secret_env) if name]


async def _nowhere(resources: list[Resource]) -> None:
    """What the platform lists has no ledger here to be continued."""
    del resources


def _listed(owed: Sequence[Resource]) -> str:
    numbers = [(sum(r.kind == kind for r in owed), kind) for kind in ("org", "user", "key")]
    return ", ".join(f"{number} {kind}{'s' if number != 1 else ''}" for number, kind in numbers if number)
