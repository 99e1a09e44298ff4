"""What was changed in the scenario while the run went on: a report must not pretend that its plan was one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from raysim.report.facts import RunFacts
from raysim.report.numbers import elapsed

#: below this, fields say how long users think
_THINK_TIME = "spec.userBehavior.thinkTimeSeconds"


def reloads(facts: RunFacts) -> list[dict[str, Any]]:
    """One entry a change of the file, in their order; `at_s` is seconds after the run's start."""
    return [
        {
            "at_s": reload.run_s,
            "applied": [{"path": c.path, "old": c.before, "new": c.after} for c in reload.applied],
            "refused": [{"path": problem.path, "why": problem.message} for problem in reload.refused],
        }
        for reload in facts.reloads
    ]


def think_time_changed_s(facts: RunFacts) -> float | None:
    """When think time was first changed, in seconds after the run's start; None when it never was."""
    found = (r.run_s for r in facts.reloads if any(change.path.startswith(_THINK_TIME) for change in r.applied))
    return next(found, None)


def reload_lines(entries: list[dict[str, Any]]) -> Iterator[Text]:
    """One line for each field that was changed, or was to be."""
    for entry in entries:
        at = elapsed(entry["at_s"])
        for change in entry["applied"]:
            yield Text(f"at {at}, {change['path']}: {change['old']} → {change['new']}")
        for refusal in entry["refused"]:
            where = f"{refusal['path']}: " if refusal["path"] else ""
            yield Text(f"at {at}, not {where}{refusal['why']}", "yellow")
