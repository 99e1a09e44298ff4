"""`raysim plan`: what a run would do, without doing it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from raysim.config_file import dump_scenario, load_scenario
from raysim.core.config.scenario import Scenario
from raysim.core.plan.build import build_plan
from raysim.core.plan.estimate import Estimate, estimate
from raysim.core.plan.load import PhasePlan
from raysim.core.plan.question_supply import supply_warnings
from raysim.core.plan.run_plan import RunPlan
from raysim.core.units import format_duration
from raysim.preflight.expectations import scenario_hash

#: a plan needs a run id; the default seed depends on it, so the preview says which one it used
_PREVIEW_RUN_ID = "preview"


@click.command("plan")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--run-id", default=_PREVIEW_RUN_ID, help="Run id to plan for; the default seed comes from it.")
@click.option("--json", "as_json", is_flag=True, help="The whole plan as JSON.")
def command(config: Path, overrides: tuple[str, ...], name: str | None, run_id: str, *, as_json: bool) -> None:
    """Show what the run of CONFIG would do: tenants, users, phases, actors, memory, worst-case cost."""
    loaded = load_scenario(config, name=name, overrides=overrides, environ=os.environ)
    plan = build_plan(loaded.scenario, run_id, started="00000000-000000")
    warnings = [*loaded.warnings, *supply_warnings(plan)]
    if as_json:
        body = {
            "scenario_hash": scenario_hash(dump_scenario(loaded.scenario)),
            "plan": asdict(plan),
            "estimate": asdict(estimate(plan)),
            "series": series_of(plan),
            "warnings": [str(w) for w in warnings],
        }
        click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
        return
    console = Console(highlight=False)
    for warning in warnings:
        console.print(f"[yellow]warning:[/] {escape(str(warning))}")
    show_plan(loaded.scenario, plan, console)


def series_of(plan: RunPlan) -> dict[str, int] | None:
    """How many series the run would begin to export; None when it exports none."""
    if not plan.metrics.exports:
        return None
    from raysim.core.metrics.book import planned_series  # noqa: PLC0415 - numpy, needed for nothing else here

    return asdict(planned_series(plan))


def show_plan(scenario: Scenario, plan: RunPlan, console: Console) -> None:
    """Print what the run of `scenario` would do."""
    needs, nodes = estimate(plan), scenario.spec.workers.replicas_for(len(plan.users))
    digest = scenario_hash(dump_scenario(scenario))
    facts = Table.grid(padding=(0, 2))
    for label, value in [*_facts(plan, needs, nodes), ("hash", f"{digest} (for --expect-hash)")]:
        facts.add_row(label, value)
    console.print(facts)
    by_the_clock = ("arrivals",) if any(phase.arrivals is not None for phase in plan.schedule.phases) else ()
    phases = _table("Phases", "phase", "kind", "from", "lasts", "users", "ramp", "in results", *by_the_clock)
    for phase in plan.schedule.phases:
        phases.add_row(
            phase.name,
            phase.kind,
            format_duration(phase.start_s),
            format_duration(phase.duration_s),
            f"{phase.from_users} → {phase.to_users}",
            phase.ramp.replace("_", " "),
            "no" if phase.excluded else "yes",
            *([_arrivals(phase)] if by_the_clock else []),
        )
    console.print(phases)
    tenants = _table("Tenants", "tenant", "slug", "users", "budget")
    for tenant in plan.tenants:
        budget = "" if tenant.budget_usd is None else f"${tenant.budget_usd:g}"
        tenants.add_row(tenant.name, tenant.slug, str(tenant.users), budget)
    console.print(tenants)


def _arrivals(phase: PhasePlan) -> str:
    """When requests come: after users' pauses, or by the clock."""
    return "closed" if phase.arrivals is None else f"{phase.arrivals.mode} {phase.arrivals.rate:g}/s"


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=f"\n{title}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def _facts(plan: RunPlan, needs: Estimate, nodes: int) -> list[tuple[str, str]]:
    limit = plan.limits.max_cost_usd
    if needs.worst_case_usd is None:
        worst = "no bound from the load: think time can be 0"
    else:
        worst = f"${needs.worst_case_usd:.2f} if each of {needs.most_requests:,} requests cost as much as it can"
    return [
        ("scenario", f"{plan.scenario} (run id {plan.run_id}, seed {plan.seed})"),
        ("users", f"{needs.users} in {needs.tenants} tenants, at most {needs.peak_users} active"),
        ("lasts", format_duration(needs.duration_s)),
        ("actors", f"{needs.actors}, about {needs.memory_mib / 1024:.1f} GiB, {needs.start_cpu_s:.0f} CPU s to start"),
        ("nodes", f"{nodes} worker{'s' * (nodes != 1)}"),
        ("prompts", f"up to {needs.longest_prompt_tokens:,} tokens, cache: {plan.behaviour.prompts.cache}"),
        ("worst case", worst),
        ("stops at", "no cost limit" if limit is None else f"${limit:g}"),
        *_series(plan),
    ]


def _series(plan: RunPlan) -> list[tuple[str, str]]:
    series = series_of(plan)
    if series is None:
        return []
    of_users, others, each_backend = series["users"], series["others"], series["each_backend"]
    text = f"{of_users + others:,} metrics series: {of_users:,} of users, {others:,} others"
    return [("exports", f"{text}; {each_backend:,} more for each backend, a few for kinds of error")]
