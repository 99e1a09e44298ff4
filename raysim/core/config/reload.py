"""What of a scenario follows its file while the run goes on, and why the rest does not.

What follows are limits, phases that have not begun, and how often users ask. What users ask does not: figures from
before and after could not be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysim.core.config.document import as_document
from raysim.core.config.paths import spell
from raysim.core.control.terms import Change
from raysim.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysim.core.config.limits import LimitsSpec
    from raysim.core.config.paths import Location
    from raysim.core.config.scenario import Scenario

#: what follows the file, by its place
FOLLOWS: tuple[Location, ...] = (
    ("spec", "limits"),
    ("spec", "loadPattern"),
    ("spec", "userBehavior", "thinkTimeSeconds"),
    ("spec", "userBehavior", "questionsPerSession"),
    ("spec", "userBehavior", "sessionDuration"),
)

_NO_LEASES = "this run began without it, so that no request has set money aside"
_LEASES = "a limit of cost can be raised, not removed"
_SET_UP = "the users of this run have been set up"
_ASKED = "it would change what is asked, and figures from before and after could not be compared"
#: why other fields stay as they are; the first place that fits
_REASONS: tuple[tuple[Location, str], ...] = (
    (("spec", "limits", "unknownCost"), "it says what requests that are under way are settled as"),
    (("spec", "organizations"), _SET_UP),
    (("spec", "users"), _SET_UP),
    (("spec", "apiKeys"), _SET_UP),
    (("spec", "bootstrap"), _SET_UP),
    (("spec", "workers"), _SET_UP),
    (("spec", "userBehavior", "modelPreferences"), "the users of this run have their models"),
    (("spec", "userBehavior"), _ASKED),
    (("spec", "endpoints"), _ASKED),
    (("spec", "advanced", "questionTemplates"), _ASKED),
    (("spec", "targets"), "its users are connected"),
    (("spec", "models"), "requests have been charged at the old price"),
    (("metadata",), "it names the run, which has begun"),
    ((), "it is read once, when the run starts"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scenarios side by side.

    Args:
        effective: the old one, with everything of the new one that can follow.
        changes: where they differ because of that.
        refused: where the new one differs besides, and why it cannot be followed.
    """

    effective: Scenario
    changes: tuple[Change, ...]
    refused: tuple[Problem, ...]


def compare(old: Scenario, new: Scenario) -> Comparison:
    """What a run of `old` takes over from `new`. Whether phases have begun is not known here."""
    refusals = {location: reason for location, *_ in differences(old, new) if (reason := _refusal(location, old, new))}
    spec, wanted = old.spec, new.spec
    behaviour = spec.user_behavior.model_copy(
        update={
            "think_time_seconds": wanted.user_behavior.think_time_seconds,
            "questions_per_session": wanted.user_behavior.questions_per_session,
            "session_duration": wanted.user_behavior.session_duration,
        }
    )
    update = {
        "limits": _limits(spec.limits, wanted.limits),
        "load_pattern": wanted.load_pattern,
        "user_behavior": behaviour,
    }
    effective = old.model_copy(update={"spec": spec.model_copy(update=update)})
    return Comparison(
        effective,
        tuple(Change(spell(at), _text(was), _text(now)) for at, was, now in differences(old, effective)),
        tuple(Problem(spell(at), f"cannot change during a run: {reason}") for at, reason in refusals.items()),
    )


def keep_phases(effective: Scenario, old: Scenario) -> Scenario:
    """`effective` with the phases of `old`, because theirs came too late."""
    spec = effective.spec.model_copy(update={"load_pattern": old.spec.load_pattern})
    return effective.model_copy(update={"spec": spec})


def differences(old: Scenario, new: Scenario) -> Iterator[tuple[Location, Any, Any]]:
    """Every place at which two scenarios differ, and both values; None where there is none."""
    yield from _differences((), as_document(old), as_document(new))


def _differences(at: Location, old: Any, new: Any) -> Iterator[tuple[Location, Any, Any]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences((*at, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            both = (items[place] if place < len(items) else None for items in (old, new))
            yield from _differences((*at, place), *both)
    else:
        yield at, old, new


def _refusal(at: Location, old: Scenario, new: Scenario) -> str:
    if at == ("spec", "limits", "maxCostUsd") and _turns(old.spec.limits, new.spec.limits):
        return _NO_LEASES if old.spec.limits.max_cost_usd is None else _LEASES
    if at != ("spec", "limits", "unknownCost") and any(at[: len(place)] == place for place in FOLLOWS):
        return ""
    return next(reason for place, reason in _REASONS if at[: len(place)] == place)


def _turns(old: LimitsSpec, new: LimitsSpec) -> bool:
    """Whether a limit of cost is to come or to go."""
    return (old.max_cost_usd is None) is not (new.max_cost_usd is None)


def _limits(old: LimitsSpec, new: LimitsSpec) -> LimitsSpec:
    kept: dict[str, Any] = {"unknown_cost": old.unknown_cost}
    if _turns(old, new):
        kept["max_cost_usd"] = old.max_cost_usd
    return new.model_copy(update=kept)


def _text(value: Any) -> str:
    """A value as a scenario would hold it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
