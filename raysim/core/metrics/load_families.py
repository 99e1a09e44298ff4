"""The families about the load itself: who makes it, each user, the run, its limits, its questions."""

from __future__ import annotations

from raysim.core.metrics.family import PREFIX, Family, Group, Kind

_RUN = ("test_run",)
_POD = ("test_run", "worker_pod")
_USER = ("test_run", "org_id", "user_id", "worker_pod")
_BEFORE = "before the first"


def _worker(name: str, kind: Kind, unit: str, text: str, *labels: str, shares: tuple[float, ...] = ()) -> Family:
    absent = "" if kind is Kind.COUNTER else "until the pod's first actor reports"
    return Family(f"{PREFIX}worker_{name}", kind, Group.WORKER, unit, text, (*_POD, *labels), absent, shares=shares)


def _user(
    name: str, kind: Kind, unit: str, text: str, *labels: str, absent: str = "", shares: tuple[float, ...] = ()
) -> Family:
    return Family(f"{PREFIX}user_{name}", kind, Group.USER, unit, text, (*_USER, *labels), absent, shares=shares)


WORKER = (
    _worker("status", Kind.GAUGE, "", "user actors of the pod in each state: `running`, `drained` or `lost`", "status"),
    _worker("users_active", Kind.GAUGE, "", "active users on the pod"),
    _worker(
        "orgs_created_total",
        Kind.COUNTER,
        "",
        "organisations that the run created; the coordinator creates all of them, so that only its pod has this",
    ),
    _worker(
        "bootstrap_seconds",
        Kind.SUMMARY,
        "s",
        "how long setting up a user of the pod took, from its admission until its key was made",
        shares=(0.5, 0.95, 1.0),
    ),
    _worker(
        "memory_bytes",
        Kind.GAUGE,
        "bytes",
        "resident memory of the pod's user actors together; memory that they share counts for each",
    ),
    _worker(
        "cpu_ratio",
        Kind.GAUGE,
        "ratio",
        "share of one core that the busiest user actor of the pod has used since its users began",
    ),
    _worker(
        "loop_lag_seconds",
        Kind.GAUGE,
        "s",
        "how late the event loop of the pod's worst user actor was: 99th percentile so far, 0.1 stands for more",
    ),
)

USER = (
    _user(
        "requests_total",
        Kind.COUNTER,
        "",
        "requests that ended, by outcome: `success`, `error`, `refused` (rate limit, budget, quota), `cancelled`",
        "status",
    ),
    _user("questions_total", Kind.COUNTER, "", "requests that asked a question"),
    _user(
        "latency_seconds",
        Kind.SUMMARY,
        "s",
        "end - sent of the user's successes",
        absent="NaN before the first success",
        shares=(0.5, 0.95, 0.99),
    ),
    _user(
        "tokens_total",
        Kind.COUNTER,
        "tokens",
        "tokens counted: `prompt`, and `completion` (reasoning included)",
        "token_type",
    ),
    _user("cost_usd_total", Kind.COUNTER, "USD", "price of these tokens by the scenario's price table"),
    _user(
        "errors_total",
        Kind.COUNTER,
        "",
        "requests that did not succeed by kind of error, refusals and cancellations too",
        "error_type",
        absent="before the user's first error of the kind",
    ),
    _user(
        "think_time_seconds",
        Kind.SUMMARY,
        "s",
        "how long the user really thought before its requests, without pauses that failures or refusals stretched",
        absent="NaN before the first pause",
        shares=(0.5, 0.95),
    ),
    _user(
        "session_completed",
        Kind.GAUGE,
        "",
        "sessions of the user that are over: `finished` as configured, or why the user left for good "
        "(`budget_exceeded`, `quota_exceeded`, `auth`, `request_limit`, `crashed`)",
        "reason",
        absent="reasons other than `finished` until they occur",
    ),
)

RUN = tuple(
    Family(f"{PREFIX}run_{name}", kind, Group.RUN, unit, text, (*_RUN, *more), absent)
    for name, kind, unit, text, more, absent in (
        ("duration_seconds", Kind.GAUGE, "s", "time since the run's second 0", (), "before the run has begun"),
        ("cost_usd_total", Kind.COUNTER, "USD", "price of all tokens counted by the scenario's price table", (), ""),
        (
            "requests_total",
            Kind.COUNTER,
            "",
            "requests that ended, by outcome: `success`, `error`, `refused`, `cancelled`",
            ("status",),
            "",
        ),
        (
            "errors_total",
            Kind.COUNTER,
            "",
            "requests that did not succeed by tenant and kind of error, refusals and cancellations too",
            ("org_id", "model", "endpoint", "error_type", "http_status"),
            "before the first error of the kind",
        ),
        (
            "requests_per_second",
            Kind.GAUGE,
            "1/s",
            "requests that ended in the time between the last two pushes",
            (),
            "before the second push",
        ),
        (
            "error_ratio",
            Kind.GAUGE,
            "ratio",
            "errors / (successes + errors) of the run so far; refusals and cancellations apart",
            (),
            f"{_BEFORE} request",
        ),
        ("active_users", Kind.GAUGE, "", "users that are active", (), "before the run has begun"),
        ("target_users", Kind.GAUGE, "", "users that the load pattern wants active", (), "before the run has begun"),
        ("tokens_total", Kind.COUNTER, "tokens", "tokens counted: `prompt`, `completion`", ("token_type",), ""),
        (
            "phase",
            Kind.GAUGE,
            "",
            "1 for the phase of the load pattern that the run is in, 0 for the others",
            ("phase",),
            "",
        ),
        (
            "info",
            Kind.GAUGE,
            "",
            "1; its labels say which scenario runs on which kind of platform, with which version of raysim",
            ("scenario", "platform", "version"),
            "",
        ),
        (
            "pushes_dropped_total",
            Kind.COUNTER,
            "",
            "snapshots that one of the sinks did not get: sending failed, or one was still under way when it was due",
            (),
            "",
        ),
    )
)

QUESTION = (
    Family(
        f"{PREFIX}question_generated_total",
        Kind.COUNTER,
        Group.QUESTION,
        "",
        "questions asked, by strategy",
        (*_RUN, "strategy"),
    ),
    Family(
        f"{PREFIX}question_uniqueness_ratio",
        Kind.GAUGE,
        Group.QUESTION,
        "ratio",
        "different questions / questions asked, counted from 64-bit hashes of their text",
        _RUN,
        "before the first question; after two million different ones",
    ),
)

LIMIT = tuple(
    Family(f"{PREFIX}limit_{name}", Kind.GAUGE, Group.LIMIT, unit, text, (*_RUN, *more), absent)
    for name, unit, text, more, absent in (
        (
            "cost_utilization_ratio",
            "ratio",
            "spent / `limits.maxCostUsd`, with what requests may have cost whose bill is not known",
            (),
            "without that limit",
        ),
        (
            "error_utilization_ratio",
            "ratio",
            "share of failed requests in the last `limits.errorWindow` / `limits.maxErrorRate`",
            (),
            "without that limit; before the first request",
        ),
        (
            "duration_utilization_ratio",
            "ratio",
            "time since the run's second 0 / `limits.maxDuration`",
            (),
            "without that limit; before the run has begun",
        ),
        (
            "breached",
            "",
            "1 when the limit `cost`, `errors` or `duration` has ended the run, else 0",
            ("reason",),
            "limits that are not set",
        ),
    )
)
