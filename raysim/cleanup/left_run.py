"""A run as its directory tells of it, and what a clean-up made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raysim.config_file import load_scenario
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.plan.build import plan_target
from raysim.core.plan.metrics_build import plan_metrics
from raysim.core.plan.metrics_plan import MetricsPlan
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
    metrics: MetricsPlan
    ledger: Ledger
    touched_at: float

    @property
    def takes_metrics_back(self) -> bool:
        """Whether what it pushed is not to stay at the gateway."""
        return bool(self.metrics.pushgateway_url) and not self.metrics.retain


@dataclass(frozen=True, slots=True)
class WithdrawnMetrics:
    """How many groups were deleted from the Pushgateway at `url`, and why not all of them; "" when all were."""

    url: str
    groups: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class CleanedRun:
    """What a clean-up did: resources by their fate (none when there was nothing to do), what remains, and why.

    `metrics` is None where what was pushed is to stay, or nothing was.
    """

    run_id: str
    counts: Mapping[str, int]
    remaining: tuple[Resource, ...]
    seconds: float
    metrics: WithdrawnMetrics | None = None


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
    return LeftRun(
        run_id=_run_id(paths),
        paths=paths,
        scenario=scenario,
        target=plan_target(scenario),
        metrics=plan_metrics(scenario),
        ledger=Ledger.parse(written),
        touched_at=max(stamps),
    )


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
