"""What a run is judged by, case by case: how it ended, its thresholds, its generator, its clean-up, its tenants.

A case fails when it makes `raysim run` end with an exit status of its own. Isolation and bills have none: what they
found wrong is noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from raysim.report.goals_text import in_unit, scope_text


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was judged: its group and name, how it came out, and why when that is to be said."""

    group: str
    name: str
    outcome: Literal["passed", "failed", "noted"]
    text: str


def cases(summary: Mapping[str, Any]) -> Iterator[Case]:
    """Every case of the run, thresholds first."""
    for entry in summary["thresholds"]:
        yield threshold_case(entry)
    yield _ended(summary)
    if summary["status"] in ("completed", "stopped"):
        answered = summary["requests"]["success"]
        yield Case("run", "answers", "passed" if answered else "failed", f"{answered} requests succeeded")
    yield _generator(summary["load_generator"])
    yield _cleanup(summary["cleanup"])
    isolation, billing = summary["isolation"], summary["billing"]
    if isolation is not None:
        yield _tenants("isolation", isolation, "isolated")
    if billing["source"] is not None:
        yield _tenants("billing", billing, "agrees")


def threshold_case(entry: Mapping[str, Any]) -> Case:
    """The case of one threshold of the summary."""
    scope = scope_text(entry["scope"])
    name = entry["expression"] if scope == "all" else f"{entry['expression']} ({scope})"
    if entry["verdict"] == "no data":
        text = "no data: nothing was measured that it could be held against"
    else:
        text = f"{entry['figure']} is {in_unit(entry['value'], entry['unit'])} over {entry['samples']} samples"
    return Case("thresholds", name, "passed" if entry["held"] else "failed", text)


def _ended(summary: Mapping[str, Any]) -> Case:
    good = summary["status"] == "completed"
    message = summary["stop_message"] or summary["stop_reason"]
    return Case("run", "completed", "passed" if good else "failed", f"{summary['status']}: {message}")


def _generator(generator: Mapping[str, Any]) -> Case:
    outcome: Literal["passed", "failed", "noted"] = "noted"
    if generator["verdict"] in ("ok", "invalid"):
        outcome = "passed" if generator["verdict"] == "ok" else "failed"
    return Case("run", "load generator", outcome, "; ".join([generator["verdict"], *generator["reasons"]]))


def _cleanup(cleanup: Mapping[str, Any]) -> Case:
    left = cleanup["remaining"]
    text = f"{left} resources remain; {cleanup['command']}" if left else cleanup["status"]
    outcome: Literal["passed", "failed", "noted"] = "noted" if cleanup["status"] == "unknown" else "passed"
    return Case("run", "clean-up", "failed" if left else outcome, text)


def _tenants(name: str, judged: Mapping[str, Any], good: str) -> Case:
    return Case("tenants", name, "passed" if judged["verdict"] == good else "noted", judged["sentence"])
