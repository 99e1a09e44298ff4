from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from raysim.core.isolation.course import Course
from raysim.core.isolation.events import DeclaredFault, Event, EventKind, find_events
from raysim.core.plan.load import LoadSchedule
from tests.unit.core.isolation.courses import changed, course, out_of_budget
from tests.unit.core.plan.scenarios import schedule_of

FLAT = schedule_of(60, (180.0, 60, "at_once"))


def test_a_calm_run_has_no_events() -> None:
    assert [find_events(course(seed), FLAT) for seed in range(60)] == [[]] * 60
    assert find_events(course(), schedule_of(60, (60.0, 60, "linear"), (120.0, 60, "at_once"))) == []


def test_a_ramp_is_no_burst_and_neither_are_those_who_stay_when_others_leave() -> None:
    generator = np.random.default_rng(3)
    base = course()
    ramp = base.at_s > 180.0 * np.sqrt(generator.random(base.at_s.size)) * 0.5
    kept = ramp & ~((base.tenant == 2) & (base.at_s > 90))
    fields = {n: getattr(base, n)[kept] for n in Course.__dataclass_fields__ if n not in ("tenants", "users")}
    assert find_events(Course(base.tenants, base.users, **fields), FLAT) == []


def test_a_tenant_runs_out_from_its_first_to_its_last_refusal() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    (event,) = find_events(run, FLAT)
    assert (event.kind, event.culprits) == (EventKind.EXHAUSTION, (2,))
    assert event.start_s == pytest.approx(63.0, abs=1.5)
    assert event.end_s == pytest.approx(76.0, abs=1.5)
    assert event.restored_s == float("inf")


def test_a_tenant_that_is_served_again_has_been_restored() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    late = np.flatnonzero(run.at_s > 120)[0]
    tenant = run.tenant.copy()
    tenant[late] = 2
    (event,) = find_events(changed(run, tenant=tenant), FLAT)
    assert event.restored_s == run.at_s[late]


def test_tenants_that_run_out_together_are_one_event() -> None:
    run = out_of_budget(out_of_budget(course(), 2, 63.0, 75.0), 0, 66.0, 80.0)
    (event,) = find_events(run, FLAT)
    assert event.culprits == (2, 0)
    assert event.end_s > 79
    apart = find_events(out_of_budget(out_of_budget(course(), 2, 63.0, 75.0), 0, 100.0, 110.0), FLAT)
    assert [event.culprits for event in apart] == [(2,), (0,)]


def test_rate_limits_are_episodes_of_three_or_more() -> None:
    run = course()
    mine = np.flatnonzero((run.tenant == 1) & (run.at_s > 50) & (run.at_s < 60))
    limited = np.zeros(run.at_s.size, dtype=np.bool_)
    limited[mine[:2]] = True
    assert find_events(changed(run, limited=limited, success=~limited, refused=limited), FLAT) == []
    limited[mine] = True
    (event,) = find_events(changed(run, limited=limited, success=~limited, refused=limited), FLAT)
    assert (event.kind, event.culprits) == (EventKind.RATE_LIMIT, (1,))
    assert (event.start_s, event.end_s) == (run.at_s[mine[0]], run.at_s[mine[-1]] + 1.0)


def test_a_tenant_that_suddenly_sends_five_times_as_much_bursts() -> None:
    base = course()
    more = np.random.default_rng(9).uniform(90.0, 110.0, 280)
    at_s = np.concatenate([base.at_s, more])
    order = np.argsort(at_s)
    fields = {
        n: np.concatenate([getattr(base, n), getattr(base, n)[:280]])[order]
        for n in Course.__dataclass_fields__
        if n not in ("tenants", "users", "at_s", "tenant")
    }
    tenant = np.concatenate([base.tenant, np.full(280, 1)])[order]
    (event,) = find_events(Course(base.tenants, base.users, at_s=at_s[order], tenant=tenant, **fields), FLAT)
    assert (event.kind, event.culprits, event.start_s, event.end_s) == (EventKind.BURST, (1,), 90.0, 110.0)


def test_spikes_and_declared_faults_come_from_the_plan() -> None:
    phases = schedule_of(60, (60.0, 20, "at_once"), (20.0, 60, "at_once"), (100.0, 20, "at_once")).phases
    schedule = LoadSchedule((phases[0], replace(phases[1], kind="spike"), phases[2]), 60)
    faults = [DeclaredFault(30.0, 45.0, "org-2"), DeclaredFault(100.0, 999.0, "nobody")]
    assert find_events(course(), schedule, faults) == [
        Event(EventKind.FAULT, (1,), 30.0, 45.0),
        Event(EventKind.SPIKE, (), 60.0, 80.0),
        Event(EventKind.FAULT, (), 100.0, 180.0),
    ]


def test_a_run_without_requests_has_no_events() -> None:
    empty = course(per_s=0.0)
    assert find_events(empty, FLAT) == []
