"""A run as its directory tells of it, and what a clean-up made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raysim.config_file import load_scenario
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.plan.build import plan_target
from raysim.core.plan.target_plan import TargetPlan
from raysim.report.run_dir import RunDir, read_json
from raysim.tenancy.ledger import Ledger, Resource

#: there nothing outlives its run, or nothing was created by it
NOTHING_STAYS = {
    "embedded": "its simulated platform ended with it, and its tenants too",
    "static": "a static platform has no tenants of raysim's",
}


@dataclass(frozen=True, slots=True)
class LeftRun:
    """A run as its directory tells of it. `touched_at` is when it last wrote something, Unix time."""

    run_id: str
    paths: RunDir
    scenario: Scenario
    target: TargetPlan
    ledger: Ledger
    touched_at: float


@dataclass(frozen=True, slots=True)
class CleanedRun:
    """What a clean-up did: resources by their fate (none when there was nothing to do), what remains, and why."""

    run_id: str
    counts: Mapping[str, int]
    remaining: tuple[Resource, ...]
    seconds: float


def read_run(root: Path, overrides: Sequence[str] = ()) -> LeftRun:
    """The run whose directory is `root`.

    Raises:
        ConfigError: there is no run, or its scenario cannot be read.
    """
    paths = RunDir(root.resolve())
    if not paths.scenario.is_file():
        raise ConfigError([Problem("RUN", f"{root} is not a run's directory: it holds no {paths.scenario.name}")])
    scenario = load_scenario(paths.scenario, overrides=overrides).scenario
    try:
        written = paths.resources.read_bytes()
    except FileNotFoundError:
        written = b""
    except OSError as error:
        raise ConfigError([Problem("RUN", f"{paths.resources} cannot be read: {error.strerror}")]) from error
    stamps = [path.stat().st_mtime for path in (paths.scenario, paths.events, paths.resources) if path.exists()]
    return LeftRun(_run_id(paths), paths, scenario, plan_target(scenario), Ledger.parse(written), max(stamps))


def find_run(name: str, results: Path) -> Path:
    """The directory of the run that `name` is: a directory, or a run id below `results`. Raises ConfigError."""
    tried = dict.fromkeys((Path(name), results / name))
    for candidate in tried:
        if candidate.is_dir():
            return candidate
    places = " and no ".join(str(path) for path in tried)
    raise ConfigError(
        [Problem("RUN", f"there is no directory {places}; give a run's directory, or its id and the folder with --out")]
    )


def _run_id(paths: RunDir) -> str:
    try:
        plan = read_json(paths.plan)
    except (OSError, ValueError):
        return paths.root.name
    said = plan.get("run_id") if isinstance(plan, dict) else None
    return said if isinstance(said, str) else paths.root.name
