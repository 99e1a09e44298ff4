from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Scope, Threshold
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.report.facts import RunFacts
from raysim.report.figures import figures
from raysim.report.measured import Measured
from raysim.report.summary import summarise
from tests.component.report.sample_run import MS, STARTED, facts, failure, lively, plan, record, rows


def aiming(*thresholds: Threshold, slo: Slo | None = None) -> RunFacts:
    return facts(plan=replace(plan(), thresholds=thresholds, slo=slo))


def judged(records: list[RequestRecord], *thresholds: Threshold, slo: Slo | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = summarise(rows(records), aiming(*thresholds, slo=slo))["thresholds"]
    return found


def at(second: float) -> dict[str, int]:
    return {"due_unix_ns": STARTED * 1000 * MS + round(second * 1000 * MS)}


def test_without_a_scope_it_is_the_summarys_own_figure() -> None:
    names = ("ttft_p95", "itl_p99", "tps_mean", "latency_max")
    run = aiming(*(Threshold(f"{name} >= {0 if name == 'tps_mean' else '0s'}") for name in names))
    summary = summarise(rows(lively()), run)
    values = [entry["value"] for entry in summary["thresholds"]]
    blocks = (name.rsplit("_", 1) for name in names)
    assert values == [summary[block][statistic] for block, statistic in blocks]


def test_an_entry_says_all_there_is_to_say() -> None:
    (entry,) = judged(
        [record(0), record(1, org_id="org-2")], Threshold("ttft_p50 < 50ms", Scope(org="org-1", to_s=30.0))
    )
    assert entry == {
        "expression": "ttft_p50 < 50ms",
        "scope": {"org": "org-1", "to_s": 30.0},
        "figure": "ttft_p50",
        "comparison": "<",
        "limit": 0.05,
        "value": pytest.approx(0.1),
        "unit": "s",
        "held": False,
        "samples": 1,
        "verdict": "failed",
    }


SCOPES = [
    (Scope(model="gpt-4o-mini"), 1),
    (Scope(org="org-2"), 1),
    (Scope(backend="b"), 2),
    (Scope(backend="b", model="gpt-4o"), 1),
    (Scope(phase="warmup"), 1),
    (Scope(from_s=20.0), 2),
    (Scope(from_s=12.0, to_s=20.0), 1),
    (Scope(to_s=12.0), 2),
]


@pytest.mark.parametrize(("scope", "samples"), SCOPES, ids=str)
def test_a_scope_takes_its_own_requests(scope: Scope, samples: int) -> None:
    records = [
        record(0, **at(2), phase="warmup", excluded=True),
        record(1, **at(11.999), org_id="org-2"),
        record(2, **at(12), backend="b"),
        record(3, **at(20), model="gpt-4o-mini", backend="b"),
        record(4, **at(30)),
    ]
    (entry,) = judged(records, Threshold("ttft_max <= 100ms", scope))
    # a moment or a phase that is named counts also where it is excluded; nothing else does
    assert entry["samples"] == samples
    assert entry["held"]


def test_what_nobody_asked_for_is_no_data_and_fails() -> None:
    for expression in ("ttft_p50 < 1s", "cost_usd <= 5", "errors <= 0", "requests >= 0"):
        (entry,) = judged([record(0)], Threshold(expression, Scope(backend="nowhere")))
        assert (entry["verdict"], entry["value"], entry["held"], entry["samples"]) == ("no data", None, False, 0)


def test_rates_are_over_the_time_in_scope() -> None:
    records = [record(number, **at(10 + number)) for number in range(40)]
    scopes = (Scope(), Scope(phase="sustained"), Scope(from_s=20.0, to_s=40.0), Scope(phase="sustained", from_s=45.0))
    found = judged(records, *(Threshold("requests_per_s > 0", scope) for scope in scopes))
    assert [entry["value"] for entry in found] == pytest.approx([1.0, 1.0, 1.0, 1.0])


GOOD = Slo(ttft_s=0.15, tpot_s=0.02)


def goodput(records: list[RequestRecord], slo: Slo = GOOD) -> dict[str, Any]:
    block = summarise(rows(records), aiming(slo=slo))["goodput"]
    assert block is not None
    found: dict[str, Any] = block
    return found


def test_a_good_request_succeeds_within_every_time() -> None:
    late = record(1, first_token_ns=152 * MS, last_token_ns=252 * MS, end_ns=262 * MS, completion_tokens=11)
    slow = record(2, last_token_ns=401 * MS, end_ns=411 * MS, completion_tokens=11)
    both = record(3, first_token_ns=152 * MS, last_token_ns=502 * MS, end_ns=512 * MS, completion_tokens=11)
    block = goodput([record(0), late, slow, both, failure(4, ErrorKind.HTTP_5XX), failure(5, ErrorKind.RATE_LIMITED)])
    assert block["slo"] == {"ttft_s": 0.15, "tpot_s": 0.02}
    # a refusal is neither; a failure is not good
    assert (block["good"], block["of"], block["requests"]) == (1, 5, pytest.approx(1 / 5))
    assert block["tokens"] == pytest.approx(1 / 4)
    assert block["requests_per_s"] == pytest.approx(1 / 40)
    assert block["misses"] == {"failed": 1, "ttft": 2, "tpot": 2}


def test_exactly_in_time_is_in_time() -> None:
    assert goodput([record(0)], Slo(latency_s=0.21))["requests"] == 1.0
    assert goodput([record(0)], Slo(latency_s=0.2099))["requests"] == 0.0


def test_a_time_that_an_answer_does_not_have_is_no_condition_for_it() -> None:
    one_token = record(1, completion_tokens=1, last_token_ns=101 * MS)
    whole = record(2, streamed=False, first_token_ns=-1, last_token_ns=-1)
    block = goodput([record(0), one_token, whole])
    assert (block["requests"], block["unmeasured"]) == (1.0, [])
    nothing = goodput([whole])
    assert (nothing["requests"], nothing["good"], nothing["unmeasured"]) == (None, None, ["ttft", "tpot"])
    # of the two times one can be judged
    assert goodput([whole], Slo(ttft_s=0.1, latency_s=0.1))["requests"] == 0.0
    assert goodput([failure(0, ErrorKind.HTTP_5XX)])["requests"] == 0.0


def test_goodput_is_there_for_every_group_and_only_when_asked_for() -> None:
    summary = summarise(rows(lively()), aiming(slo=Slo(ttft_s=0.2)))
    assert 0 < summary["goodput"]["requests"] < 1
    for key in ("tenants", "models", "phases", "endpoints"):
        assert sum(entry["goodput"]["of"] for entry in summary[key] if not entry.get("excluded")) == 500
    tenants = summary["tenants"]
    assert sum(entry["goodput"]["good"] for entry in tenants) == summary["goodput"]["good"]
    assert summarise(rows(lively()), facts())["goodput"] is None


def test_excluded_requests_do_not_count_towards_goodput() -> None:
    late = record(0, **at(1), phase="warmup", excluded=True, first_token_ns=190 * MS)
    assert goodput([late, record(1)])["of"] == 1


def test_figures_without_an_slo_have_no_goodput() -> None:
    measured = Measured.of(rows([record(0)]))
    assert figures(measured, measured, 1.0)["goodput"] is None
