"""`raysim validate`: every problem of a scenario at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from raysim.config_file import examine_file
from raysim.core.errors import ConfigError, ExitCode, Problem
from raysim.core.units import format_duration
from raysim.simplatform.embedded import embedded_config

if TYPE_CHECKING:
    from raysim.core.config.scenario import Scenario

#: below this a limit has more than two decimals worth showing, in USD
_CENT = 0.01


@click.command(name="validate")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Replace a value of the file.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Results folder; a testRunId that has been used there is an error.",
)
@click.pass_context
def command(ctx: click.Context, config: Path, overrides: tuple[str, ...], name: str | None, out: Path | None) -> None:
    """Check the scenario CONFIG (a file, or a mounted ConfigMap's directory) without running it.

    Prints one line for each problem. Exit status 2 when there is an error, else 0.
    """
    findings = examine_file(config, name=name, overrides=overrides, environ=os.environ, existing_runs=out)
    errors = [*findings.errors, *_of_the_simulated(findings.scenario)]
    for problem in errors:
        click.echo(f"error: {problem}")
    for problem in findings.warnings:
        click.echo(f"warning: {problem}")
    if findings.scenario is None or errors:
        ctx.exit(ExitCode.BAD_CONFIG)
    click.echo(f"ok: {summary(findings.scenario)}")


def _of_the_simulated(scenario: Scenario | None) -> list[Problem]:
    """What is wrong with the platform that the run would start."""
    if scenario is None:
        return []
    try:
        embedded_config(scenario.spec.targets.simulated)
    except ConfigError as error:
        return error.problems
    return []


def summary(scenario: Scenario) -> str:
    """What the scenario is about, on one line."""
    spec = scenario.spec
    fewest, most = scenario.user_range()
    users = f"{most}" if fewest == most else f"{fewest} to {most}"
    limit = spec.limits.max_cost_usd
    cost = "no cost limit" if limit is None else f"at most ${limit:.2f}" if limit >= _CENT else f"at most ${limit:g}"
    parts = [
        f"{spec.organizations.count} organisation{'s' * (spec.organizations.count != 1)}",
        f"{users} user{'s' * (most != 1)}",
        f"{len(spec.load_pattern.phases)} phase{'s' * (len(spec.load_pattern.phases) != 1)}",
        f"{format_duration(spec.load_pattern.total_duration)}",
        f"platform {spec.targets.platform}",
        cost,
    ]
    return f"{scenario.metadata.name}: {', '.join(parts)}"
