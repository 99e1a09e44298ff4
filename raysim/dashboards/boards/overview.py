"""Overview: is the run doing what it should, and is what it measures good?"""

from __future__ import annotations

from raysim.dashboards.dashboard import RUN, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import mean, per_second, quantile

_TTFT = "loadtest_llm_time_to_first_token_seconds"
_RUN_LEGEND = "{{test_run}}"


def _number(title: str, means: str, act: str, expr: str, unit: str, steps: Steps | None = None) -> Panel:
    return Panel(title, means, act, (Query(expr, _RUN_LEGEND),), unit, "stat", 4, 4, steps)


_NOW = (
    _number(
        "Active users",
        "Users that ask questions now.",
        "Compare with the target below. Far fewer: users left for good (see Tenants) or were lost (Load generator).",
        f"sum by (test_run) (loadtest_run_active_users{{{RUN}}})",
        "short",
    ),
    _number(
        "Requests",
        "Requests that end a second, whatever their outcome.",
        "It follows users and latency: when users grow and this does not, the platform is at its limit.",
        per_second("loadtest_run_requests_total", "test_run", RUN),
        "reqps",
    ),
    _number(
        "Errors",
        "Errors / (successes + errors) of the run so far. Refusals (rate limits, budgets) are apart.",
        "Open Errors: by kind, tenant and model. The run ends by itself at limits.maxErrorRate.",
        f"loadtest_run_error_ratio{{{RUN}}}",
        "percentunit",
        Steps(0.01, 0.05),
    ),
    _number(
        "First token, p95",
        "95 % of the last minute's streamed answers began within this time.",
        "Open LLM for which model, Backends for whether requests queue.",
        quantile(0.95, _TTFT, "test_run"),
        "s",
        Steps(1, 2),
    ),
    _number(
        "Spent",
        "Price of all tokens so far by the scenario's price table.",
        "Open Cost for who spends it and when the limit ends the run.",
        f"sum by (test_run) (loadtest_run_cost_usd_total{{{RUN}}})",
        "currencyUSD",
    ),
    _number(
        "Load generator's lag",
        "How late the event loop of the worst user actor was, 99th percentile so far.",
        "Above 10 ms the report calls the run suspect: its latencies are partly the generator's own. More or larger "
        "workers, fewer users to an actor.",
        f"max by (test_run) (loadtest_worker_loop_lag_seconds{{{RUN}}})",
        "s",
        Steps(0.005, 0.01),
    ),
)

_COURSE = (
    Panel(
        "Users",
        "Active users, and those that the load pattern wants active.",
        "Lines that part: users are not set up in time, have left for good, or were lost with their node.",
        (
            Query(f"sum by (test_run) (loadtest_run_active_users{{{RUN}}})", "{{test_run}} active"),
            Query(f"sum by (test_run) (loadtest_run_target_users{{{RUN}}})", "{{test_run}} target"),
        ),
    ),
    Panel(
        "Requests by outcome",
        "Requests that end a second: success, error, refused (rate limit, budget, quota), cancelled by the generator.",
        "Errors that come with load are the platform's limit; errors from the start are a mistake in the set-up.",
        (Query(per_second("loadtest_run_requests_total", "test_run, status", RUN), "{{test_run}} {{status}}"),),
        "reqps",
    ),
    Panel(
        "Time to first token",
        "First token - sent, of streamed successes: what users feel as waiting. Half of them wait less than p50.",
        "p99 alone grows: a few are slow (one backend, cold starts). p50 grows too: everybody queues; see Backends.",
        tuple(
            Query(quantile(share, _TTFT, "test_run"), f"{{{{test_run}}}} {name}")
            for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
        ),
        "s",
        steps=Steps(1, 2),
    ),
    Panel(
        "Latency, mean",
        "End - sent, of successes, averaged over the last minute. Longer answers take longer: read it beside tokens.",
        "When it grows and the first token does not, answers are generated more slowly: see LLM, time per token.",
        (Query(mean("loadtest_llm_latency_seconds", "test_run"), _RUN_LEGEND),),
        "s",
    ),
    Panel(
        "Tokens",
        "Prompt and completion tokens a second, of all requests together.",
        "Flat while users grow: the platform generates as fast as it can.",
        (Query(per_second("loadtest_run_tokens_total", "test_run, token_type", RUN), "{{test_run}} {{token_type}}"),),
        "short",
    ),
    Panel(
        "Limits",
        "How much of limits.maxCostUsd, maxErrorRate and maxDuration is used up. At 1 the run ends itself.",
        "Red: it is about to end. Let it, or fix what costs or fails; a limit can be raised while the run goes on.",
        (
            Query(f"loadtest_limit_cost_utilization_ratio{{{RUN}}}", "{{test_run}} cost"),
            Query(f"loadtest_limit_error_utilization_ratio{{{RUN}}}", "{{test_run}} errors"),
            Query(f"loadtest_limit_duration_utilization_ratio{{{RUN}}}", "{{test_run}} duration"),
        ),
        "percentunit",
        steps=Steps(0.8, 0.95),
    ),
)

_RUNS = (
    Panel(
        "Runs",
        "What was chosen above: which scenario ran on which kind of platform, with which version of raysim.",
        "Compare only runs of the same scenario and version; `raysim compare` says what a difference is worth.",
        (
            Query(f"max by (test_run, scenario, platform, version) (loadtest_run_info{{{RUN}}})", ""),
            Query(f"max by (test_run) (loadtest_run_duration_seconds{{{RUN}}})", "duration"),
            Query(f"sum by (test_run) (loadtest_run_requests_total{{{RUN}}})", "requests"),
            Query(f"max by (test_run) (loadtest_run_error_ratio{{{RUN}}})", "errors"),
            Query(f"max by (test_run) (loadtest_run_cost_usd_total{{{RUN}}})", "spent"),
        ),
        view="table",
        width=24,
        height=6,
        units={"duration": "s", "errors": "percentunit", "spent": "currencyUSD"},
    ),
)

OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Is the run doing what it should, and is what it measures good? Start here.",
    (Section("Now", _NOW), Section("The run's course", _COURSE), Section("Runs", _RUNS)),
)
