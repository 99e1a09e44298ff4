"""Preflight alone: every check of a run, without the run. Starts no Ray; joins the one that the run would join.

Names concrete adapters, as `wiring` does, and stands apart from it because that needs Ray, which is slow to start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from raysim.actors.address import cluster_address
from raysim.actors.lenders import check_here, lend_token
from raysim.config_file import dump_scenario
from raysim.core.config.scenario import Scenario
from raysim.core.errors import PreflightError
from raysim.core.export.address import Destinations
from raysim.core.plan.build import build_plan
from raysim.core.plan.estimate import estimate
from raysim.core.plan.run_plan import RunPlan
from raysim.core.secret import Secret
from raysim.kube.pod_need import ClusterNeed
from raysim.preflight.capacity import check_machine
from raysim.preflight.check import Check
from raysim.preflight.client_side import check_client_side
from raysim.preflight.expectations import Expectations, check_cost, check_hash, scenario_hash
from raysim.preflight.kubernetes import check_named_namespace, check_own_namespace
from raysim.preflight.machine import look_around
from raysim.preflight.platform import check_platform
from raysim.preflight.store import check_stores
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.embedded import embedded_config
from raysim.simplatform.server import start_platform

if TYPE_CHECKING:
    from raysim.actors.cluster import Cluster

_RUN_ID = "preflight"
_STARTED = "00000000-000000"


def expectations(scenario: Scenario, plan: RunPlan, *, expected_hash: str | None, probe: bool) -> Expectations:
    """What the scenario alone says, and what the world is to be held against.

    Args:
        scenario: a checked scenario.
        plan: its plan.
        expected_hash: what `raysim plan` printed; None when nothing particular is expected.
        probe: whether each model may be sent a tiny request, as far as the command line says.
    """
    spec = scenario.spec
    known = (
        check_hash(scenario_hash(dump_scenario(scenario)), expected_hash),
        check_cost(estimate(plan), plan.limits.max_cost_usd),
    )
    need = ClusterNeed(scenario, plan)
    return Expectations(known, spec.workers.replicas_for(len(plan.users)), probe and spec.preflight.probe, need)


def preflight(
    scenario: Scenario, *, address: str, environ: Mapping[str, str], expected_hash: str | None, probe: bool
) -> list[Check]:
    """Every check that a run of `scenario` would make. Creates nothing on the platform.

    Args:
        scenario: a checked scenario.
        address: the cluster, as for a run: auto, local or a Ray address.
        environ: where credentials are looked for when no cluster is joined.
        expected_hash: as for `expectations`.
        probe: as for `expectations`.

    Raises:
        ConfigError: `targets.simulated` describes no platform.
    """
    plan = build_plan(scenario, _RUN_ID, started=_STARTED)
    expects = expectations(scenario, plan, expected_hash=expected_hash, probe=probe)
    simulated = embedded_config(scenario.spec.targets.simulated)
    stores = check_stores(Destinations.of(scenario.spec.cleanup, plan.run_id))
    local = [*expects.known, *check_client_side(plan.target), *stores]
    found = cluster_address(address)
    if found:
        return [*local, *_with_cluster(plan, found, expects, simulated, environ)]
    fitting = check_machine(plan, estimate(plan), look_around(), expects.nodes_wanted)
    return [*local, *fitting, *asyncio.run(_ask_here(plan, simulated, environ, probe=expects.probe))]


def _with_cluster(
    plan: RunPlan, address: str, expects: Expectations, simulated: PlatformConfig, environ: Mapping[str, str]
) -> list[Check]:
    # seconds to import, and not needed without a cluster
    from raysim.actors.cluster import connect, disconnect  # noqa: PLC0415

    try:
        cluster = connect(address, _RUN_ID, len(plan.users))
    except PreflightError as error:
        missing = Check("Ray cluster", "failed", error.message, error.hint or "")
        capacity = Check("capacity", "skipped", "there is no cluster to look at")
        return [missing, capacity, *asyncio.run(_ask_here(plan, simulated, environ, probe=expects.probe))]
    try:
        return [
            Check("Ray cluster", "passed", f"{address}: {cluster.nodes} node{'s' * (cluster.nodes != 1)}"),
            *_on_cluster(plan, cluster, expects, simulated, environ),
        ]
    finally:
        disconnect()


def _on_cluster(
    plan: RunPlan, cluster: Cluster, expects: Expectations, simulated: PlatformConfig, environ: Mapping[str, str]
) -> list[Check]:
    from raysim.actors.survey import ask_from_cluster, check_cluster, collect, standing  # noqa: PLC0415

    embedded = plan.target.platform == "embedded"
    asking = None if embedded else ask_from_cluster(cluster, plan, probe=expects.probe)
    fitting = check_cluster(cluster, plan, estimate(plan), expects.nodes_wanted)
    pods = check_own_namespace(expects.need, standing(cluster, plan), environ)
    said = asyncio.run(_ask_embedded(plan, simulated, probe=expects.probe)) if asking is None else collect(asking)
    return [*fitting, *pods, *said]


def namespace_preflight(
    scenario: Scenario, namespace: str, *, context: str | None, expected_hash: str | None
) -> list[Check]:
    """Whether a namespace of Kubernetes lets in what `raysim kube render` makes of `scenario`. Asks nobody else.

    Args:
        scenario: a checked scenario.
        namespace: where its RayJob is to go.
        context: of kubectl's configuration; None for the current one.
        expected_hash: as for `expectations`.
    """
    plan = build_plan(scenario, _RUN_ID, started=_STARTED)
    expects = expectations(scenario, plan, expected_hash=expected_hash, probe=False)
    rest = Check("platform", "skipped", "the run asks it from its pod, and looks at its nodes there")
    return [*expects.known, *check_named_namespace(expects.need, namespace, context), rest]


async def _ask_here(
    plan: RunPlan, simulated: PlatformConfig, environ: Mapping[str, str], *, probe: bool
) -> list[Check]:
    """Ask the platform from this process, whose environment a Ray that is started here would have as well."""
    if plan.target.platform == "embedded":
        return await _ask_embedded(plan, simulated, probe=probe)
    return await check_here(plan, environ, probe=probe)


async def _ask_embedded(plan: RunPlan, simulated: PlatformConfig, *, probe: bool) -> list[Check]:
    """Start what a run would start, ask it, and end it."""
    running = await start_platform(simulated, "127.0.0.1")
    try:
        target = replace(plan.target, router_url=running.url, org_url=running.url)
        return await check_platform(plan, target, lend_token(Secret(running.admin_token)), probe=probe)
    finally:
        await running.close()
