"""Alerts about a run that goes on: its limits, its load generator, its export, and what it tests."""

from __future__ import annotations

from raysim.dashboards.rule import Alert, Record, RuleGroup

#: 1 for each run that is in a phase of its load pattern and whose last push is recent. What ended runs left at the
#: gateway stays there: every alert but those of silence asks for this, so that it ends with the run
GOING_ON = "raysim:run_going_on"
_PUSHED = 'max by (test_run) (push_time_seconds{job="raysim"})'
_IN_PHASE = "max by (test_run) (loadtest_run_phase) == 1"
_ASKED = 'sum by (test_run) (rate(loadtest_run_requests_total{status=~"success|error"}[1m]))'
_FAILED = 'sum by (test_run) (rate(loadtest_run_requests_total{status="error"}[1m]))'


def _while_running(expr: str) -> str:
    return f"({expr}) and on (test_run) {GOING_ON}"


def _limit(name: str, ratio: str, above: str, what: str, advice: str) -> Alert:
    return Alert(
        name,
        _while_running(f"max by (test_run) (loadtest_limit_{ratio}_utilization_ratio) > {above}"),
        "",
        "warning",
        f"{{{{ $labels.test_run }}}} has used {{{{ $value | humanizePercentage }}}} of its limit of {what}",
        advice,
    )


_RUN = (
    _limit(
        "RaysimCostLimitNear",
        "cost",
        "0.9",
        "cost",
        "At 100 % the run ends itself, without overspending. Let it, or raise limits.maxCostUsd.",
    ),
    _limit(
        "RaysimErrorLimitNear",
        "error",
        "0.8",
        "errors",
        "Above 100 % the run ends itself. The dashboard Errors says what fails and for whom.",
    ),
    _limit(
        "RaysimDurationLimitNear",
        "duration",
        "0.95",
        "duration",
        "At 100 % the run ends itself. If its phases are not over, limits.maxDuration is too short for them.",
    ),
    Alert(
        "RaysimLimitBreached",
        # of runs that have ended a while ago it is no news
        f"max by (test_run, reason) (loadtest_limit_breached) == 1 and on (test_run) (time() - {_PUSHED} < 600)",
        "",
        "warning",
        "{{ $labels.test_run }} was ended by its limit of {{ $labels.reason }}",
        "The run stopped early (exit status 5); its report says when and why.",
    ),
    Alert(
        "RaysimErrorBurst",
        # ten requests at least, so that one error of three does not call anybody
        _while_running(f"{_FAILED} / {_ASKED} > 0.2 and {_ASKED} * 60 >= 10"),
        "30s",
        "warning",
        "{{ $value | humanizePercentage }} of the last minute's requests of {{ $labels.test_run }} failed",
        "The dashboard Errors says what fails and for whom. The run ends itself at limits.maxErrorRate.",
    ),
    Alert(
        "RaysimNoSuccess",
        _while_running(
            'sum by (test_run) (increase(loadtest_run_requests_total{status="success"}[2m])) == 0 '
            "and on (test_run) max by (test_run) (loadtest_run_active_users) > 0"
        ),
        "2m",
        "critical",
        "No request of {{ $labels.test_run }} has succeeded for minutes",
        "Is the platform up? `raysim stop` ends the run and cleans up.",
    ),
)

_GENERATOR = (
    Alert(
        "RaysimGeneratorSuspect",
        _while_running("max by (test_run, worker_pod) (loadtest_worker_loop_lag_seconds) > 0.01"),
        "30s",
        "warning",
        "Load generator {{ $labels.worker_pod }} is late by {{ $value | humanizeDuration }} at its 99th percentile",
        "The report of {{ $labels.test_run }} will call it suspect or invalid: latencies are partly "
        "the generator's. Fewer users to an actor, more workers.",
    ),
    Alert(
        "RaysimGeneratorBusy",
        _while_running("max by (test_run, worker_pod) (loadtest_worker_cpu_ratio) > 0.9"),
        "1m",
        "warning",
        "A user actor on {{ $labels.worker_pod }} uses {{ $value | humanizePercentage }} of a core",
        "It cannot send more: a throughput of {{ $labels.test_run }} that is flat may be the generator's limit. Fewer "
        "users to an actor, more workers.",
    ),
    Alert(
        "RaysimUsersLost",
        _while_running('sum by (test_run, worker_pod) (loadtest_worker_status{status="lost"}) > 0'),
        "",
        "warning",
        "{{ $value }} user actors of {{ $labels.test_run }} on {{ $labels.worker_pod }} are lost",
        "Was the node or the pod taken away, or its memory too small? Their load is missing unless bootstrap.onLoss is "
        "respawn.",
    ),
)

_EXPORT = (
    Alert(
        "RaysimPushStale",
        # an hour, as the groups of a killed run stay until somebody deletes them
        f"(time() - {_PUSHED} > 60 and time() - {_PUSHED} < 3600) and on (test_run) ({_IN_PHASE})",
        "",
        "critical",
        "{{ $labels.test_run }} has pushed no metrics for {{ $value | humanizeDuration }}",
        "It was killed, or does not reach the Pushgateway any more: `raysim status` says which. A killed run's tenants "
        "are removed by `raysim cleanup`.",
    ),
    Alert(
        "RaysimPushesDropped",
        _while_running("max by (test_run) (increase(loadtest_run_pushes_dropped_total[5m])) > 2"),
        "",
        "warning",
        "{{ $labels.test_run }} has lost {{ $value | humanize }} pushes in five minutes",
        "Its load is not affected, and the next push has all totals. Is the Pushgateway too small or too far away?",
    ),
)

_PLATFORM = (
    Alert(
        "RaysimBackendUnreadable",
        _while_running("min by (test_run, backend) (loadtest_backend_scrape_up) == 0"),
        "1m",
        "warning",
        "The metrics of backend {{ $labels.backend }} cannot be read by {{ $labels.test_run }}",
        "It is down, or its metricsUrl is not reachable from the run.",
    ),
    Alert(
        "RaysimBackendSaturated",
        _while_running("max by (test_run, backend) (loadtest_backend_saturation_ratio) > 0.95"),
        "2m",
        "warning",
        "Backend {{ $labels.backend }} is at {{ $value | humanizePercentage }} of what it can do",
        "What {{ $labels.test_run }} sends beyond this only waits: the dashboard Backends says for what.",
    ),
    Alert(
        "RaysimSlowFirstToken",
        _while_running(
            "histogram_quantile(0.95, sum by (le, test_run, model) "
            "(rate(loadtest_llm_time_to_first_token_seconds_bucket[2m]))) > 2"
        ),
        "2m",
        "warning",
        "One answer in twenty of {{ $labels.model }} takes over {{ $value | humanizeDuration }} to begin",
        "Users of {{ $labels.test_run }} wait: the dashboards LLM and Backends say where.",
    ),
)

ALERTS = (
    RuleGroup(
        "raysim-run",
        (
            Record(GOING_ON, f"({_IN_PHASE}) and on (test_run) (time() - {_PUSHED} < 120)", frozenset({"test_run"})),
            *_RUN,
            *_GENERATOR,
            *_EXPORT,
            *_PLATFORM,
        ),
    ),
)
