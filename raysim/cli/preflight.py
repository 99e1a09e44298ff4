"""`raysim preflight`: every check that a run makes before it creates anything, without the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from raysim.config_file import LoadedScenario, load_scenario
from raysim.core.errors import ConfigError, ExitCode, Problem
from raysim.core.ids import valid_run_id
from raysim.preflight.check import Check, Tally
from raysim.readiness import namespace_preflight, preflight

_JSON_VERSION = 1
_LOG_WIDTH = 120
_STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim"}


@click.command("preflight")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--address", default="auto", help="Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT.")
@click.option("--no-probe", is_flag=True, help="Send no model a tiny request.")
@click.option("--expect-hash", metavar="HASH", help="Fail unless the scenario is the one that `raysim plan` showed.")
@click.option("--namespace", help="Check only whether this namespace of Kubernetes lets the run's pods in.")
@click.option("--context", help="Context of kubectl's configuration for --namespace; the current one when not given.")
@click.option("--json", "as_json", is_flag=True, help="The checks as JSON; docs/preflight.md describes it.")
def command(
    config: Path,
    overrides: tuple[str, ...],
    name: str | None,
    address: str,
    expect_hash: str | None,
    namespace: str | None,
    context: str | None,
    *,
    no_probe: bool,
    as_json: bool,
) -> int:
    """Check everything that a run of CONFIG needs, and create nothing.

    Exit status 3 when a check fails.
    """
    loaded = load_scenario(config, name=name, overrides=overrides, environ=os.environ)
    if namespace is not None and not valid_run_id(namespace):
        raise ConfigError([Problem("--namespace", f"found {namespace!r}; expected 1 to 63 of a-z, 0-9 and -")])
    if namespace is None and context is not None:
        raise ConfigError([Problem("--context", "says which cluster's namespace to look at; give --namespace as well")])
    started_s = monotonic()
    if namespace is None:
        checks = preflight(
            loaded.scenario, address=address, environ=os.environ, expected_hash=expect_hash, probe=not no_probe
        )
    else:
        checks = namespace_preflight(loaded.scenario, namespace, context=context, expected_hash=expect_hash)
    if as_json:
        click.echo(orjson.dumps(_document(loaded, checks, monotonic() - started_s), option=orjson.OPT_INDENT_2))
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
        for warning in loaded.warnings:
            console.print(f"[yellow]warning:[/] {warning}")
        show_checks(checks, monotonic() - started_s, console)
    return int(ExitCode.PREFLIGHT_FAILED if Tally.of(checks).failed else ExitCode.OK)


def _document(loaded: LoadedScenario, checks: Sequence[Check], took_s: float) -> dict[str, object]:
    tally = Tally.of(checks)
    return {
        "schema_version": _JSON_VERSION,
        "scenario": loaded.scenario.metadata.name,
        "ok": tally.failed == 0,
        "duration_s": round(took_s, 3),
        "counts": asdict(tally),
        "checks": [
            {
                "name": check.name,
                "verdict": check.verdict,
                "warning": check.warns,
                "found": check.found,
                "advice": check.advice,
            }
            for check in checks
        ],
        "warnings": [str(warning) for warning in loaded.warnings],
    }


def show_checks(checks: Sequence[Check], took_s: float, console: Console) -> None:
    """Print the checks as a table, and how many there were of each verdict."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("check", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("found, and what to do", overflow="fold")
    for check in checks:
        style = "yellow" if check.warns else _STYLES[check.verdict]
        told = Text(check.found)
        if check.advice:
            told.append(f"\n→ {check.advice}", style)
        table.add_row(Text(check.name), Text("warning" if check.warns else check.verdict, style), told)
    console.print(table)
    console.print(f"\n{Tally.of(checks)}, in {took_s:.1f} s")
