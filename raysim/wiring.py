"""Puts a run together: the only place that names concrete adapters and starts Ray."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import time
from types import FrameType
from typing import Any

import httpx
from rich.console import Console

from raysim.actors.cluster import connect, disconnect
from raysim.actors.reloads import Reloads
from raysim.actors.run_record import RunRecord
from raysim.app.load_test import LoadTest
from raysim.config_file import dump_scenario
from raysim.core.config.reading import Findings
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ConfigError, ExitCode, Problem, worst
from raysim.core.export.address import Destinations
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import RunPlan
from raysim.preflight.check import insist
from raysim.readiness import expectations
from raysim.report.accounts import charged
from raysim.report.console import render_summary
from raysim.report.facts import RunFacts, RunStatus
from raysim.report.live import ViewMode, open_view
from raysim.report.run_dir import RunDir, write_json
from raysim.report.summary import summarise
from raysim.report.tables import load_rows, phase_rows, tenant_rows, user_rows
from raysim.results import open_run
from raysim.results.page import write_page
from raysim.simplatform.embedded import declared_faults, embedded_config
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import read_requests, write_table
from raysim.sinks.readings import read_readings
from raysim.sinks.run_exports import RunExports

_LEDGER_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says about a run, beside its scenario.

    `ui` is live, plain or none; `address` is auto, local or a Ray address; `results` is the folder that gets the run's
    directory. `probe` is whether each model may be sent a tiny request first; `expected_hash` what the scenario's is to
    be, None for any. `look` says what is in the scenario's file when that has changed; None where there is no file.
    """

    run_id: str
    started: str
    results: Path
    address: str
    ui: ViewMode
    probe: bool = True
    expected_hash: str | None = None
    look: Callable[[], Findings | None] | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, and where its results are."""

    exit_code: ExitCode
    directory: Path


class Interrupts:
    """Counts SIGINT and SIGTERM instead of letting them end the process in the middle of something."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> int:
        """How many arrived so far."""
        return self._count

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Count signals within the block; afterwards they mean again what they meant."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1


def run_scenario(scenario: Scenario, options: RunOptions, console: Console) -> RunOutcome:
    """Run `scenario` and leave its results in a directory of its own.

    Raises:
        RaysimError: what kept it from running, or broke it; the exit code is in the error.
    """
    simulated = embedded_config(scenario.spec.targets.simulated)
    plan = build_plan(scenario, options.run_id, started=options.started)
    expects = expectations(scenario, plan, expected_hash=options.expected_hash, probe=options.probe)
    # what the scenario alone says fails before there is a directory
    insist(expects.known)
    paths = _open_directory(options, scenario, plan)
    wanted = Destinations.of(scenario.spec.cleanup, plan.run_id)
    exports = RunExports.open(paths.root, plan.run_id, wanted)
    interrupts = Interrupts()
    cluster = connect(options.address, plan.run_id, len(plan.users))
    try:
        # whoever wants to look at the run finds its cluster by this
        paths.address.write_text(cluster.address + "\n", encoding="utf-8")
        with interrupts.caught(), open_view(options.ui, console) as view:
            view.note(_cluster_note(cluster.own, cluster.nodes, cluster.user_slots))
            test = LoadTest(
                plan,
                cluster,
                paths,
                view,
                interrupts,
                expects=expects,
                retain=not scenario.spec.cleanup.on_completion,
                cleanup_timeout_s=scenario.spec.cleanup.timeout,
                debug=scenario.spec.advanced.debug,
                simulated=simulated,
                wanted=wanted,
                exports=exports,
                reloads=Reloads(options.look, scenario, plan) if options.look else None,
            )
            try:
                facts, record = test.run()
                if test.embedded_url:
                    books = _keep_platform_ledger(test.embedded_url, paths)
                    facts = replace(facts, faults=declared_faults(simulated), books=charged(books, plan.tenants))
            finally:
                test.close()
    except BaseException:
        exports.abandon()
        raise
    finally:
        paths.address.unlink(missing_ok=True)
        disconnect()
    summary = _store(paths, facts, record)
    with interrupts.caught():
        _page(paths, console)
        summary = _export(exports, paths, summary, interrupts, console)
    if not wanted.with_logs and (summary["log_export"] or {}).get("status", "complete") == "complete":
        shutil.rmtree(paths.logs, ignore_errors=True)
    render_summary(summary, console)
    if test.failure is not None:
        console.print(f"raysim: {test.failure}", style="red", highlight=False)
    return RunOutcome(worst(test.exit_codes | _codes(summary, facts)), paths.root)


def _open_directory(options: RunOptions, scenario: Scenario, plan: RunPlan) -> RunDir:
    root = (options.results / plan.run_id).resolve()
    try:
        root.mkdir(parents=True)
    except FileExistsError as error:
        raise ConfigError([Problem("metadata.testRunId", f"{plan.run_id} has results already, in {root}")]) from error
    except OSError as error:
        raise ConfigError([Problem("--out", f"{root} cannot be made: {error.strerror}")]) from error
    paths = RunDir(root)
    paths.scenario.write_text(dump_scenario(scenario), encoding="utf-8")
    write_json(paths.plan, plan)
    return paths


def _cluster_note(own: bool, nodes: int, slots: float) -> str:  # noqa: FBT001 - three facts of a cluster
    if own:
        return f"local Ray started, {slots:g} user slots"
    return f"joined a Ray cluster of {nodes} node{'s' if nodes != 1 else ''}, {slots:g} user slots"


def _keep_platform_ledger(url: str, paths: RunDir) -> dict[str, Any]:
    """An embedded platform forgets when it ends: keep what it counted, to hold the run's own figures against."""
    books: dict[str, Any] = httpx.get(
        f"{url}/sim/ledger", params={"requests": 1}, timeout=_LEDGER_TIMEOUT_S, trust_env=False
    ).json()
    write_json(paths.root / "platform-ledger.json", books)
    return books


def _store(paths: RunDir, facts: RunFacts, record: RunRecord) -> dict[str, Any]:
    requests = read_requests(paths.root)
    facts = replace(facts, readings=read_readings(paths.backends))
    summary = summarise(requests, facts)
    stored: int = summary["requests"]["total"]
    lost = max(0, record.totals.requests - stored)
    if lost:
        facts = replace(facts, records_lost_estimate=lost)
        summary = summarise(requests, facts)
    write_json(paths.summary, summary)
    write_table(paths.tenants, tenant_rows(summary, facts, record.org_ids))
    write_table(paths.users, user_rows(requests, facts, record.user_ids, record.gone_users))
    write_table(paths.phases, phase_rows(summary))
    if facts.samples:
        write_table(paths.load, load_rows(facts), run_id=facts.plan.run_id)
    return summary


def _page(paths: RunDir, console: Console) -> None:
    """Write the report as a page; a run's outcome does not hang on it."""
    try:
        write_page(open_run(paths.root), paths.html)
    except Exception as error:  # noqa: BLE001 - whatever it is, the results are whole without it
        console.print(f"raysim: no {paths.html.name}: {error}", style="yellow", markup=False, highlight=False)


def _export(
    exports: RunExports, paths: RunDir, summary: dict[str, Any], interrupts: Interrupts, console: Console
) -> dict[str, Any]:
    """Copy what is left; a signal ends the waiting, and the report comes nevertheless."""
    events, before = Journal(paths.events), interrupts()
    try:
        return exports.end(
            summary,
            write_summary=lambda said: write_json(paths.summary, said),
            write_event=lambda event: events.append(
                [{"time": time(), "run_s": None, "kind": event.kind, "detail": event.detail}]
            ),
            say=lambda sentence: console.print(sentence, markup=False, highlight=False),
            hurried=lambda: interrupts() > before,
        )
    finally:
        events.close()


def _codes(summary: dict[str, Any], facts: RunFacts) -> set[ExitCode]:
    codes = set()
    if facts.status is RunStatus.STOPPED:
        codes.add(ExitCode.STOPPED_BY_LIMIT)
    if facts.status in (RunStatus.COMPLETED, RunStatus.STOPPED) and not summary["requests"]["success"]:
        codes.add(ExitCode.NO_SUCCESS)
    if summary["load_generator"]["verdict"] == "invalid":
        codes.add(ExitCode.GENERATOR_INVALID)
    if not all(threshold["held"] for threshold in summary["thresholds"]):
        codes.add(ExitCode.THRESHOLD_FAILED)
    return codes
