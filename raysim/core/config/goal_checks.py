"""What is to be said about goals in view of the rest: thresholds about requests that there will never be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from raysim.core.config.paths import spell
from raysim.core.errors import Problem
from raysim.core.goals.condition import parse_condition
from raysim.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from raysim.core.config.goals import ThresholdSpec
    from raysim.core.config.scenario import Scenario

_MOST_NAMED = 6


def goal_errors(scenario: Scenario) -> Iterator[Problem]:
    """Scopes that hold no request, and goodput without an SLO to judge requests by."""
    known = {"model": _models(scenario), "phase": _phases(scenario), "org": _orgs(scenario)}
    for index, threshold in enumerate(scenario.spec.thresholds):
        for key, names in known.items():
            found = getattr(threshold, key)
            if found is not None and names and found not in names:
                yield Problem(_path(index, key), f"there is no {key} {found!r}; {_advice(found, names)}")
        figure = parse_condition(threshold.expression).figure
        if figure.path[0] == "goodput" and scenario.spec.slo is None:
            yield Problem(
                _path(index, "expression"),
                f"{figure.name} needs an SLO to judge requests by; give spec.slo, such as {{ttft: 500ms, tpot: 50ms}}",
            )
        yield from _out_of_time(scenario, index, threshold)


def _out_of_time(scenario: Scenario, index: int, threshold: ThresholdSpec) -> Iterator[Problem]:
    """A window in which no phase, or not the phase that is named, goes on."""
    start, begins = 0.0, {}
    for phase in scenario.spec.load_pattern.phases:
        begins[phase.name] = (begins.get(phase.name, (start,))[0], start + phase.duration)
        start += phase.duration
    first, last = begins.get(threshold.phase or "", (0.0, start))
    what = "the load" if threshold.phase not in begins else f"phase {threshold.phase}"
    if threshold.from_ is not None and threshold.from_ >= last:
        text = f"found {format_duration(threshold.from_)}, but {what} is over at {format_duration(last)}"
        yield Problem(_path(index, "from"), text)
    if threshold.to is not None and threshold.to <= first:
        text = f"found {format_duration(threshold.to)}, but {what} begins at {format_duration(first)}"
        yield Problem(_path(index, "to"), text)


def _models(scenario: Scenario) -> tuple[str, ...]:
    return tuple(scenario.prices())


def _phases(scenario: Scenario) -> tuple[str, ...]:
    return tuple(dict.fromkeys(phase.name for phase in scenario.spec.load_pattern.phases))


def _orgs(scenario: Scenario) -> tuple[str, ...]:
    """The organisations' names, as far as they can be known before the run; none otherwise."""
    organizations = scenario.spec.organizations
    if any(f"{{{name}}}" in organizations.naming_pattern for name in ("timestamp", "random")):
        return ()
    return tuple(organizations.naming_pattern.replace("{index}", str(i + 1)) for i in range(organizations.count))


def _advice(found: str, names: Iterable[str]) -> str:
    known = list(names)
    close = get_close_matches(found, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return (
        f"there is {', '.join(known[:_MOST_NAMED])}{more}"
        if len(known) == 1
        else (f"there are {', '.join(known[:_MOST_NAMED])}{more}")
    )


def _path(index: int, key: str) -> str:
    return spell(("spec", "thresholds", index, key))
