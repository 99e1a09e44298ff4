from __future__ import annotations

import pytest

from raysim.dashboards.alerts import ALERTS, GOING_ON
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.checking import problems, recorded
from raysim.dashboards.earlier_rules import EARLIER
from raysim.dashboards.questions import Question, questions, rule_questions

MADE = recorded((*ALERTS, *EARLIER))


def test_every_query_asks_for_what_is_exported() -> None:
    asked = [*questions(DASHBOARDS), *rule_questions((*ALERTS, *EARLIER))]
    assert len(asked) > 200
    assert [problem for question in asked for problem in problems(question, MADE)] == []


@pytest.mark.parametrize(
    ("expr", "named", "problem"),
    [
        ("loadtest_llm_latency_seconds_bucket", (), "loadtest_llm_latency_seconds_bucket is not exported"),
        ('loadtest_run_active_users{org_id="a"}', (), "loadtest_run_active_users has no label org_id"),
        ("sum by (model) (loadtest_run_active_users)", (), "no series has a label model"),
        ('loadtest_run_requests_total{le="1"}', (), "loadtest_run_requests_total has no label le"),
        ("sum by (test_run) (loadtest_run_requests_total)", ("status",), "status is shown but not there"),
        ("loadtest_run_active_users", ("org_id",), "org_id is shown but not there"),
        ("time()", (), "asks for no series: time()"),
        ("sum(loadtest_run_active_users", (), "')' is missing: sum(loadtest_run_active_users"),
    ],
)
def test_what_would_just_return_nothing_is_found(expr: str, named: tuple[str, ...], problem: str) -> None:
    assert list(problems(Question("here", expr, named), MADE)) == [f"here: {problem}"]


def test_what_rules_record_may_be_asked_for() -> None:
    assert list(problems(Question("", f'{GOING_ON}{{test_run="a"}}'), MADE)) == []
    assert list(problems(Question("", f"{GOING_ON}"), {})) != []


def test_a_question_is_asked_as_grafana_does() -> None:
    question = Question("", 'sum(rate(m{test_run=~"$run", org_id=~"${org}"}[$__rate_interval]))')
    assert question.of_run("r-1") == 'sum(rate(m{test_run=~"r-1", org_id=~".*"}[1m]))'
