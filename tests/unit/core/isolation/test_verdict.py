from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from raysim.core.isolation.course import Course
from raysim.core.isolation.events import DeclaredFault, find_events
from raysim.core.isolation.verdict import EventVerdict, IsolationVerdict, judge_event, overall
from raysim.core.isolation.windows import windows_of
from tests.unit.core.isolation.courses import changed, course, failing, out_of_budget, slowed
from tests.unit.core.plan.scenarios import schedule_of

FLAT = schedule_of(60, (180.0, 60, "at_once"))
ISOLATED, NOT_ISOLATED, CANNOT_SAY = IsolationVerdict


def judged(run: Course, *faults: DeclaredFault) -> EventVerdict:
    events = find_events(run, FLAT, faults)
    assert len(events) == 1
    return judge_event(run, events[0], windows_of(events[0], events, FLAT, 180.0))


def test_a_tenant_that_runs_out_and_is_not_felt() -> None:
    found = judged(out_of_budget(course(), 2, 63.0, 75.0))
    assert (found.verdict, found.others, found.lacking) == (ISOLATED, (0, 1), "")
    assert list(found.figures) == ["before", "during", "after"]
    after = found.figures["after"]
    assert after.lost == 0
    assert after.jain_throughput == pytest.approx(1.0, abs=0.02)
    change = found.comparison("after", "before")
    assert change is not None
    ttft = change.of("ttft_p50")
    assert ttft is not None
    assert ttft.ci95 is not None
    assert ttft.sure is not None
    assert ttft.ci95[0] <= ttft.value <= ttft.ci95[1]
    assert ttft.sure[0] < ttft.ci95[0] < 0.0 < ttft.ci95[1] < ttft.sure[1]


def test_others_that_were_slower_while_the_tenant_was_served_were_not_isolated() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    found = judged(slowed(run, (run.tenant != 2) & (run.at_s < 68.0), 1.4))
    assert found.verdict is NOT_ISOLATED
    assert {(c.window, c.against) for c in found.harm} == {("before", "after")}
    ttft = found.harm[0].of("ttft_p50")
    assert ttft is not None
    assert ttft.value == pytest.approx(0.4, abs=0.1)


def test_others_that_slow_down_once_it_is_refused_are_not_isolated() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    found = judged(slowed(run, run.at_s > 63.0, 1.3))
    assert found.verdict is NOT_ISOLATED
    assert ("after", "before") in {(c.window, c.against) for c in found.harm}


def test_one_victim_among_others_is_found() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    found = judged(slowed(run, (run.tenant == 1) & (run.at_s > 63.0), 1.5))
    assert found.verdict is NOT_ISOLATED
    assert 1 in {c.tenant for c in found.harm}
    assert 0 not in {c.tenant for c in found.harm}


def test_lost_requests_are_harm() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    lost = (run.tenant != 2) & (run.at_s > 76.0) & (np.arange(run.at_s.size) % 8 == 0)
    found = judged(failing(run, lost))
    assert found.verdict is NOT_ISOLATED
    assert found.figures["after"].lost == np.count_nonzero(lost)
    change = found.harm[0].of("error_rate")
    assert change is not None
    assert change.worse


def test_a_tail_alone_is_harm_too() -> None:
    run = out_of_budget(course(per_s=30.0), 2, 63.0, 75.0)
    tail = (run.tenant != 2) & (run.at_s > 76.0) & (np.arange(run.at_s.size) % 9 == 0)
    found = judged(slowed(run, tail, 4.0))
    assert found.verdict is NOT_ISOLATED
    worse = {change.quantity for c in found.harm for change in c.changes if change.worse}
    assert worse == {"ttft_p95"}


def test_a_fault_is_held_against_both_sides() -> None:
    run = course()
    noisy = slowed(run, (run.tenant != 2) & (run.at_s >= 60.0) & (run.at_s < 110.0), 1.4)
    fault = DeclaredFault(60.0, 110.0, "org-3")
    found = judged(noisy, fault)
    assert found.verdict is NOT_ISOLATED
    assert {(c.window, c.against) for c in found.harm if c.tenant is None} == {
        ("during", "before"),
        ("during", "after"),
    }
    assert found.figures["during"].jain_ttft == pytest.approx(0.976, abs=0.02)
    assert found.figures["before"].jain_ttft == pytest.approx(1.0, abs=0.005)
    assert judged(run, fault).verdict is ISOLATED


def test_what_is_nobodys_doing_has_figures_and_no_verdict() -> None:
    found = judged(course(), DeclaredFault(60.0, 110.0))
    assert (found.verdict, found.others) == (None, (0, 1, 2))
    assert found.comparison("during", "before") is not None


def test_too_few_requests_decide_nothing() -> None:
    found = judged(out_of_budget(course(per_s=0.9), 2, 63.0, 95.0))
    assert found.verdict is CANNOT_SAY
    assert "too few requests of the others (n = " in found.lacking


def test_without_a_window_before_nobody_can_say() -> None:
    found = judged(out_of_budget(course(), 2, 0.0, 12.0))
    assert found.verdict is CANNOT_SAY
    assert found.lacking == "no comparable stretch before the event"


def test_noise_is_no_proof_of_isolation() -> None:
    run = out_of_budget(course(per_s=4.0, sigma=1.2), 2, 63.0, 75.0)
    found = judged(run)
    assert found.verdict is CANNOT_SAY
    assert found.lacking.startswith("ttft_p50 is not known well enough: up to +")


def test_nobody_left_to_ask() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    events = find_events(run, FLAT)
    found = judge_event(run, events[0], windows_of(events[0], events, FLAT, 180.0), ignored=(0, 1))
    assert (found.verdict, found.lacking) == (CANNOT_SAY, "no other tenant is left")


def test_a_change_of_the_mix_is_no_change_of_the_platform() -> None:
    shifts = []
    for seed in range(30):
        run = course(seed)
        # from the event on most ask the slow model, before most asked the other one
        share = np.random.default_rng(seed).random(run.at_s.size)
        stratum = np.where(run.at_s < 63.0, share < 0.3, share < 0.7).astype(np.int64)
        ttft_s = run.ttft_s * (1 + stratum) / (1 + run.stratum)
        mixed = changed(run, stratum=stratum, ttft_s=ttft_s, latency_s=run.latency_s - run.ttft_s + ttft_s)
        found = judged(out_of_budget(mixed, 2, 63.0, 75.0))
        medians = [found.figures[name].times["ttft_p50"].value for name in ("before", "after")]
        assert medians[1] > 1.4 * medians[0]
        assert found.verdict is not NOT_ISOLATED
        change = found.comparison("after", "before")
        assert change is not None
        ttft = change.of("ttft_p50")
        assert ttft is not None
        assert ttft.ci95 is not None
        shifts.append(ttft.ci95[0] <= 0.0 <= ttft.ci95[1])
    assert sum(shifts) >= 26


def test_without_streams_latency_decides() -> None:
    run = course()
    silent = changed(run, ttft_s=np.full(run.at_s.size, np.nan))
    found = judged(out_of_budget(silent, 2, 63.0, 75.0))
    assert found.verdict is ISOLATED
    assert "ttft_p50" not in found.figures["after"].times


@pytest.mark.parametrize("phi", [0.3, 0.6])
def test_false_alarms_are_rare(phi: float) -> None:
    verdicts = Counter(judged(out_of_budget(course(seed, phi=phi), 2, 63.0, 75.0)).verdict for seed in range(60))
    assert verdicts[NOT_ISOLATED] <= 1
    assert verdicts[ISOLATED] >= 30


def test_the_worst_event_decides() -> None:
    run = out_of_budget(course(), 2, 63.0, 75.0)
    good, bad = judged(run), judged(slowed(run, run.at_s > 63.0, 1.3))
    unsure, nobodys = judged(out_of_budget(course(), 2, 0.0, 12.0)), judged(course(), DeclaredFault(60.0, 110.0))
    assert overall([]) is overall([nobodys]) is overall([good, unsure]) is CANNOT_SAY
    assert overall([good, nobodys]) is ISOLATED
    assert overall([good, unsure, bad]) is NOT_ISOLATED
