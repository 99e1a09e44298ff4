"""Runs in progress, found from any process that reaches their cluster: by their coordinators' names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from raysim.actors.address import answers, cluster_address
from raysim.actors.cluster import run_namespace, visit
from raysim.actors.named import metrics_name
from raysim.actors.patience import PAUSE_S
from raysim.actors.placement import COORDINATOR_NAMESPACE
from raysim.core.control.progress import Standing
from raysim.core.errors import ConfigError, PreflightError, Problem, RaysimError
from raysim.report.run_dir import RunDir

if TYPE_CHECKING:
    from raysim.core.aggregation.live import LiveSnapshot

#: a coordinator that is there answers within milliseconds
_PATIENCE_S = 10.0
#: a metrics actor may be storing
_SNAPSHOT_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Sight:
    """A run in progress. `live` is None when nobody could tell; `trouble` is why there is no `standing`, if so."""

    run_id: str
    standing: Standing | None
    live: LiveSnapshot | None = None
    trouble: str = ""


def look_at(name: str, results: Path, address: str) -> Sight:
    """The run in progress that `name` is: an id, or a run's directory.

    Args:
        name: what the person said.
        results: the folder that holds runs' directories.
        address: `auto`, or that of the cluster.

    Raises:
        ConfigError: there is no such run in progress.
        PreflightError: there is no cluster to ask.
    """
    run_id, clusters = _whereabouts(name, results, address)
    for cluster in clusters:
        with visit(cluster, COORDINATOR_NAMESPACE):
            if run_id in _names():
                return _look(run_id)
    raise _not_there(name, run_id, results, clusters)


def look_around(results: Path, address: str) -> Iterator[Sight]:
    """Every run in progress on the clusters that `address` means, or that runs below `results` are on.

    Raises:
        PreflightError: there is no cluster at `address`, if that is one.
    """
    noted = {_noted(directory) for directory in sorted(results.iterdir())} if results.is_dir() else set()
    for cluster in _clusters(address, sorted(noted - {""})):
        with visit(cluster, COORDINATOR_NAMESPACE):
            yield from map(_look, _names())


def ask_to_stop(name: str, results: Path, address: str, *, at_once: bool) -> Standing:
    """Have a run end; returns where it was.

    Raises:
        ConfigError: there is no such run in progress.
        PreflightError: there is no cluster to ask.
        RaysimError: its coordinator does not answer.
    """
    run_id, clusters = _whereabouts(name, results, address)
    for cluster in clusters:
        with visit(cluster, COORDINATOR_NAMESPACE):
            if run_id in _names():
                return _ask(run_id, at_once=at_once)
    raise _not_there(name, run_id, results, clusters)


def _ask(run_id: str, *, at_once: bool) -> Standing:
    try:
        asked: Standing = _answer(run_id, "ask_to_stop", at_once)
    except (RayError, ValueError) as error:
        raise RaysimError(
            f"the coordinator of {run_id} does not answer: {type(error).__name__}",
            hint="users stop by themselves within limits.lease when it is gone; end the driver with `kill PID` if not",
        ) from error
    return asked


def _look(run_id: str) -> Sight:
    try:
        standing: Standing = _answer(run_id, "standing")
    except (RayError, ValueError) as error:
        return Sight(run_id, None, trouble=f"its coordinator does not answer ({type(error).__name__})")
    return Sight(run_id, standing, _live(run_id))


def _live(run_id: str) -> LiveSnapshot | None:
    """The metrics actor's totals, which alone know times; none when it is away or gone."""
    try:
        metrics: Any = ray.get_actor(metrics_name(0), namespace=run_namespace(run_id))
        live: LiveSnapshot = ray.get(metrics.live.remote(), timeout=_SNAPSHOT_PATIENCE_S)
    except (GetTimeoutError, RayError, ValueError):
        return None
    return live


def _answer(run_id: str, method: str, *args: Any) -> Any:
    """What a coordinator says, also one that is just being started again. Raises RayError, ValueError."""
    until_s = monotonic() + _PATIENCE_S
    while True:
        coordinator: Any = ray.get_actor(run_id, namespace=COORDINATOR_NAMESPACE)
        left_s = max(PAUSE_S, until_s - monotonic())
        try:
            return ray.get(getattr(coordinator, method).remote(*args), timeout=left_s)
        except RayActorError:
            if monotonic() > until_s:
                raise
        sleep(PAUSE_S)


def _names() -> list[str]:
    """Ids of the runs that have a coordinator on the cluster that this process has joined."""
    actors: list[dict[str, str]] = ray.util.list_named_actors(all_namespaces=True)
    return sorted(actor["name"] for actor in actors if actor["namespace"] == COORDINATOR_NAMESPACE)


def _whereabouts(name: str, results: Path, address: str) -> tuple[str, list[str]]:
    """The run's id, and the clusters that it may be on."""
    for directory in (Path(name), results / name):
        if directory.is_dir():
            noted = _noted(directory)
            return directory.resolve().name, _clusters(address, [noted] if noted else [])
    if "/" in name:
        raise ConfigError([Problem("RUN", f"{name} is no directory, and a run's id holds no /")])
    return name, _clusters(address, [])


def _noted(directory: Path) -> str:
    try:
        return RunDir(directory).address.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _clusters(address: str, noted: list[str]) -> list[str]:
    """Where to ask: at `address` if it is one, else wherever runs say they are, and where `auto` leads."""
    if address not in ("auto", "local"):
        return [address]
    found = cluster_address(address)
    alive = [cluster for cluster in noted if answers(cluster)]
    return list(dict.fromkeys([*alive, *([found] if found else [])]))


def _not_there(name: str, run_id: str, results: Path, clusters: list[str]) -> RaysimError:
    for directory in (Path(name), results / name):
        if RunDir(directory).summary.exists():
            return ConfigError([Problem("RUN", f"{run_id} is over; its results are in {directory}")])
    if not clusters:
        return PreflightError(
            f"no Ray cluster was found that {run_id} could be on",
            hint="name the run's directory, or the cluster: --address HOST:PORT",
        )
    where = ", ".join(clusters)
    return ConfigError(
        [Problem("RUN", f"no run {run_id} is in progress at {where}; `raysim status` lists those that are")]
    )
