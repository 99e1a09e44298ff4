"""Errors: what fails, for whom, and since when?"""

from __future__ import annotations

from raysim.dashboards.dashboard import ALL, ORG, RUN, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import per_second

_ENDED = "loadtest_run_requests_total"
_ERRORS = "loadtest_run_errors_total"
_WHERE = f'{ORG}, model=~"$model"'
_FAILED = f'sum by (test_run) (rate({_ENDED}{{{RUN}, status="error"}}[$__rate_interval]))'
_DECIDED = f'sum by (test_run) (rate({_ENDED}{{{RUN}, status=~"success|error"}}[$__rate_interval]))'
_RUN_LEGEND = "{{test_run}}"

_NOW = (
    Panel(
        "Errors now",
        "Errors / (successes + errors) of the last minute.",
        "Red: the tables below say what. The run ends by itself when limits.maxErrorRate is exceeded.",
        (Query(f"{_FAILED} / {_DECIDED}", _RUN_LEGEND),),
        "percentunit",
        "stat",
        6,
        5,
        Steps(0.01, 0.05),
    ),
    Panel(
        "Errors so far",
        "Errors / (successes + errors) of the whole run, as the report will have it before phases are left out.",
        "Red with few errors now: something that is over; find it by the annotations.",
        (Query(f"loadtest_run_error_ratio{{{RUN}}}", _RUN_LEGEND),),
        "percentunit",
        "stat",
        6,
        5,
        Steps(0.01, 0.05),
    ),
    Panel(
        "Error limit used",
        "Share of failed requests in limits.errorWindow / limits.maxErrorRate. Above 1 the run ends.",
        "Red: the run is about to end. Requests fail faster than the scenario allows.",
        (Query(f"loadtest_limit_error_utilization_ratio{{{RUN}}}", _RUN_LEGEND),),
        "percentunit",
        "stat",
        6,
        5,
        Steps(0.5, 0.9),
    ),
    Panel(
        "Users that met an error",
        "Users with at least one request that did not succeed. Empty with metrics.perUser: false.",
        "All of them: the platform. A few: their tenant, key or node.",
        (
            Query(
                f"count by (test_run) (sum by (test_run, org_id, user_id) (loadtest_user_errors_total{{{ORG}}}) > 0)",
                _RUN_LEGEND,
                rare=True,
            ),
        ),
        "short",
        "stat",
        6,
        5,
    ),
)

_COURSE = (
    Panel(
        "By outcome",
        "Requests that end a second: success, error, refused (rate limit, budget, quota), cancelled by the generator.",
        "Refusals are the platform's rules at work; errors are not.",
        (Query(per_second(_ENDED, "test_run, status", RUN), "{{test_run}} {{status}}"),),
        "reqps",
    ),
    Panel(
        "By kind",
        "Requests a second that did not succeed, by kind of error.",
        "http_5xx, overloaded, timeout_*: the platform. connection_*, dns, tls: the way to it. auth: keys. "
        "rate_limited, budget_exceeded, quota_exceeded: its rules. injected: the scenario's own chaos.",
        (Query(per_second(_ERRORS, "test_run, error_type", _WHERE), "{{test_run}} {{error_type}}", rare=True),),
        "reqps",
    ),
    Panel(
        "By tenant",
        "Requests a second that did not succeed, by tenant.",
        "One tenant alone: its quota, budget or route. All at once: what they share.",
        (Query(per_second(_ERRORS, "test_run, org_id", _WHERE), "{{test_run}} {{org_id}}", rare=True),),
        "reqps",
    ),
    Panel(
        "Answers that broke off",
        "Streams a second that ended after their first token without an end.",
        "They are errors that the user has seen. Look for restarts of backends and for time-outs of proxies.",
        (
            Query(
                per_second("loadtest_llm_stream_interruptions_total", "test_run, model, backend, reason"),
                "{{test_run}} {{model}} {{backend}} {{reason}}",
            ),
        ),
        "reqps",
    ),
)

_TABLE = (
    Panel(
        "All of them",
        "Requests that did not succeed, so far, by everything that is known of them.",
        "The first row first. Single requests with their ids are in requests/*.parquet of the run.",
        (
            Query(
                "sort_desc(sum by (test_run, org_id, model, endpoint, error_type, http_status) "
                f"({_ERRORS}{{{_WHERE}}}) > 0)",
                "requests",
                rare=True,
            ),
        ),
        view="table",
        width=24,
        height=10,
    ),
    Panel(
        "Why generation ended",
        "Successes by finish reason, as the platform says; a second.",
        "Much `length`: maxTokensPerRequest cuts answers off, and latency with them. `content_filter`: the questions.",
        (
            Query(
                per_second("loadtest_llm_finish_reason_total", "test_run, model, reason", ALL),
                "{{test_run}} {{model}} {{reason}}",
            ),
        ),
        "reqps",
        width=24,
    ),
)

ERRORS = Dashboard(
    "errors",
    "Errors",
    "What fails, for whom, and since when?",
    (Section("Now", _NOW), Section("Since when", _COURSE), Section("What exactly", _TABLE)),
)
