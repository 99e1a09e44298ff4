"""Load generator health: are the figures the platform's, or the generator's own?"""

from __future__ import annotations

from raysim.dashboards.dashboard import ORG, RUN, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import mean, per_second

_POD = "{{test_run}} {{worker_pod}}"


def _pod(title: str, means: str, act: str, name: str, unit: str, steps: Steps | None = None) -> Panel:
    expr = f"max by (test_run, worker_pod) (loadtest_worker_{name}{{{RUN}}})"
    return Panel(title, means, act, (Query(expr, _POD),), unit, steps=steps)


_TRUTH = (
    _pod(
        "Lag of the event loop",
        "How late the loop of a pod's worst user actor was: 99th percentile so far; 0.1 s stands for more.",
        "Red: over 1 % of the samples were late by 10 ms, and the report calls the run suspect. Fewer users to "
        "an actor, more workers.",
        "loop_lag_seconds",
        "s",
        Steps(0.005, 0.01),
    ),
    _pod(
        "CPU of the busiest actor",
        "Share of one core that the busiest user actor of a pod has used since its users began.",
        "Red: it cannot send more. Throughput that is flat here is the generator's limit, not the platform's.",
        "cpu_ratio",
        "percentunit",
        Steps(0.7, 0.9),
    ),
    Panel(
        "Age of what is shown",
        "Time since the last push of each part of the run's metrics arrived at the Pushgateway.",
        "Red while the run goes on: the dashboards show the past. After its end it only grows.",
        (
            Query(
                'time() - max by (test_run, shard) (push_time_seconds{job="raysim", test_run=~"$run"})',
                "{{test_run}} {{shard}}",
            ),
        ),
        "s",
        steps=Steps(30, 60),
    ),
    Panel(
        "Pushes that did not arrive",
        "Pushes so far that failed, or were left out because one was still under way.",
        "The load is not affected, and the next push has all totals. When it grows: the gateway's size and network.",
        (Query(f"max by (test_run) (loadtest_run_pushes_dropped_total{{{RUN}}})", "{{test_run}}"),),
        "short",
        steps=Steps(1, 5),
    ),
)

_WORKERS = (
    Panel(
        "User actors",
        "Actors in each state, of all pods together: running, drained or lost.",
        "Lost ones: a node or its memory was taken away. Their users are missing, unless bootstrap.onLoss: respawn.",
        (Query(f"sum by (test_run, status) (loadtest_worker_status{{{RUN}}})", "{{test_run}} {{status}}"),),
        "short",
    ),
    _pod(
        "Active users by pod",
        "Users that are active on each pod.",
        "Uneven: actors were not spread; see placement in docs/kubernetes.md.",
        "users_active",
        "short",
    ),
    _pod(
        "Memory by pod",
        "Resident memory of a pod's user actors together; what they share counts for each.",
        "Growing without an end: report it, with the run's logs. Near the pod's limit: fewer users to a worker.",
        "memory_bytes",
        "bytes",
    ),
    Panel(
        "Setting up a user",
        "From a user's admission until its key was made: median, 95th percentile, slowest.",
        "Red: setting up takes over a minute; the platform's user service, or bootstrap.concurrency.",
        (
            Query(
                f"max by (test_run, worker_pod, quantile) (loadtest_worker_bootstrap_seconds{{{RUN}}})",
                "{{test_run}} {{worker_pod}} {{quantile}}",
            ),
        ),
        "s",
        steps=Steps(30, 60),
    ),
)

_LIKENESS = (
    Panel(
        "Questions by strategy",
        "Questions asked a second.",
        "Shares that differ from questionStrategies: few questions yet, or users of one strategy are gone.",
        (
            Query(
                per_second("loadtest_question_generated_total", "test_run, strategy", RUN), "{{test_run}} {{strategy}}"
            ),
        ),
        "reqps",
        width=8,
    ),
    Panel(
        "Different questions",
        "Different questions / questions asked.",
        "Red: caches may answer what should be new. Right with promptTokens.cache: repeat.",
        (Query(f"max by (test_run) (loadtest_question_uniqueness_ratio{{{RUN}}})", "{{test_run}}"),),
        "percentunit",
        width=8,
        most=1,
        steps=Steps(0.999, 0.99, falling=True),
    ),
    Panel(
        "Time that users think",
        "Mean of the pauses before questions, without what failures stretched. Empty with metrics.perUser: false.",
        "It must be what thinkTimeSeconds says; if not, report it.",
        (Query(mean("loadtest_user_think_time_seconds", "test_run", ORG), "{{test_run}}"),),
        "s",
        width=8,
    ),
    Panel(
        "Organisations created",
        "Organisations that the run created, all by its coordinator.",
        "Fewer than organizations.count: setting up is still going on, or the platform has no tenants.",
        (Query(f"sum by (test_run) (loadtest_worker_orgs_created_total{{{RUN}}})", "{{test_run}}"),),
        "short",
        "stat",
        24,
        4,
    ),
)

GENERATOR = Dashboard(
    "generator",
    "Load generator health",
    "Are the figures the platform's, or the generator's own? Look here before you believe the others.",
    (
        Section("Can it be believed", _TRUTH),
        Section("Workers", _WORKERS),
        Section("Does it ask what it should", _LIKENESS),
    ),
)
