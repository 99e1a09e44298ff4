"""Whether a run's terms can still change as they are to: what packs have been told of already, they will do."""

from __future__ import annotations

from dataclasses import fields

from raysim.core.control.terms import Amendment, Reload, Ruling, Terms
from raysim.core.errors import Problem
from raysim.core.plan.load import LoadSchedule, PhasePlan

_PHASES = "spec.loadPattern"
#: a phase's plan → its key in the scenario; what is missing follows from other phases
_KEYS = {
    "name": "name",
    "kind": "kind",
    "duration_s": "duration",
    "to_users": "targetActiveUsers",
    "ramp": "rampStrategy",
    "steps": "steps",
    "period_s": "period",
    "excluded": "excludeFromResults",
    "arrivals": "arrivals",
}


def rule(asked: Amendment, terms: Terms, run_s: float, planned_until_s: float) -> Ruling:
    """What of `asked` can be done.

    Args:
        asked: the change.
        terms: those in force.
        run_s: the run's second.
        planned_until_s: packs have their orders up to this second of the run.
    """
    if asked.terms is None:
        return Ruling(Reload(run_s, (), asked.refused), terms)
    late = too_late(terms.schedule, asked.terms.schedule, run_s, planned_until_s)
    applied = tuple(change for change in asked.changes if not (late and change.path.startswith(_PHASES)))
    schedule = terms.schedule if late else asked.terms.schedule
    version = terms.version + bool(applied)
    new = Terms(version, schedule, asked.terms.pace, asked.terms.limits) if applied else terms
    return Ruling(Reload(run_s, applied, (*asked.refused, *late)), new, phases_kept=bool(late))


def too_late(old: LoadSchedule, new: LoadSchedule, run_s: float, planned_until_s: float) -> list[Problem]:
    """What of `new` differs from `old` where that cannot be any more; nothing when all is well.

    A phase that has begun, or begins before `planned_until_s`, stays as it is.
    """
    found: list[Problem] = []
    for place, phase in enumerate(old.phases):
        if phase.start_s >= planned_until_s:
            return found
        path = f"{_PHASES}.phases[{place}]"
        if place >= len(new.phases):
            found.append(Problem(path, f"phase {phase.name!r} {_when(phase, run_s)} and cannot be removed"))
        else:
            found += [
                Problem(f"{path}.{key}", f"phase {phase.name!r} {_when(phase, run_s)} and cannot be changed any more")
                for key in _differing(phase, new.phases[place])
            ]
    if len(new.phases) > len(old.phases) and old.duration_s < planned_until_s:
        path = f"{_PHASES}.phases[{len(old.phases)}]"
        found.append(
            Problem(path, f"the last phase ends in {max(0.0, old.duration_s - run_s):.1f} s: too late for more")
        )
    return found


def _differing(phase: PhasePlan, other: PhasePlan) -> list[str]:
    names = [field.name for field in fields(phase) if getattr(phase, field.name) != getattr(other, field.name)]
    waves = "wave" in (phase.ramp, other.ramp)
    return [_KEYS[name] for name in names if name in _KEYS and (waves or name != "period_s")]


def _when(phase: PhasePlan, run_s: float) -> str:
    if run_s >= phase.end_s:
        return "is over"
    if run_s >= phase.start_s:
        return "is running"
    return f"begins in {phase.start_s - run_s:.1f} s"
