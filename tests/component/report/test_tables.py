from __future__ import annotations

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.control.messages import Totals
from raysim.core.control.progress import RunProgress
from raysim.core.control.situation import RunState
from raysim.core.metrics.export_state import ExportState
from raysim.report.facts import LostUser
from raysim.report.progress import ProgressMeter
from raysim.report.summary import summarise
from raysim.report.tables import phase_rows, tenant_rows, user_rows
from tests.component.report import sample_run


def test_one_row_for_everyone_who_was_planned() -> None:
    records = [sample_run.record(number, user_id=f"user-org-{number % 2 + 1}-1") for number in range(6)]
    requests = sample_run.rows(records)
    facts = sample_run.facts(lost=(LostUser("user-org-1-1", 3.0, "killed"),))
    summary = summarise(requests, facts)
    tenants = tenant_rows(summary, facts, {"org-1": "uuid-1"})
    assert [(row["org_id"], row["platform_org_id"], row["budget_usd"]) for row in tenants] == [
        ("org-1", "uuid-1", 1.0),
        ("org-2", None, 1.0),
    ]
    users = user_rows(requests, facts, {"user-org-1-1": "u-1"}, {0: "budget_exceeded"})
    assert len(users) == 6
    assert sum(row["requests"] for row in users) == summary["requests"]["total"]
    first = next(row for row in users if row["user_id"] == "user-org-1-1")
    assert (first["platform_user_id"], first["lost"], first["left"]) == ("u-1", "killed", "budget_exceeded")
    assert {tuple(row) for row in users} == {tuple(users[0])}
    assert [row["name"] for row in phase_rows(summary)] == ["warmup", "sustained"]


def look(run_s: float, requests: int, tokens: int) -> RunProgress:
    totals = Totals(requests=requests, completion_tokens=tokens)
    return RunProgress(RunState.RUNNING, run_s, 2, 3, 6, 1, "sustained", 1, totals, None, "")


def test_rates_are_of_the_last_seconds() -> None:
    meter = ProgressMeter(sample_run.plan())
    assert meter.running(look(0.0, 0, 0), LiveSnapshot()).requests_per_s == 0.0
    for second in range(1, 11):
        view = meter.running(look(float(second), 10 * second, 100 * second), LiveSnapshot())
    assert view.requests_per_s == 10.0
    assert view.tokens_per_s == 100.0
    assert (view.target_users, view.active_users, view.ready_users, view.lost_users) == (3, 2, 6, 1)
    assert view.left_s == 40.0
    waiting = meter.waiting("starting actors: 1 of 6")
    assert (waiting.message, waiting.state, waiting.requests) == ("starting actors: 1 of 6", "", 0)


def test_exports_that_fail_are_said_while_they_fail() -> None:
    meter = ProgressMeter(sample_run.plan())
    state = ExportState(sent=4, dropped=2, trouble="Pushgateway: http://gateway cannot be reached")
    failing = LiveSnapshot(exports=state)
    message = "2 pushes of metrics dropped: Pushgateway: http://gateway cannot be reached"
    assert meter.running(look(1.0, 0, 0), failing).message == message
    assert meter.running(look(2.0, 0, 0), LiveSnapshot(exports=ExportState(5, 2))).message == ""
