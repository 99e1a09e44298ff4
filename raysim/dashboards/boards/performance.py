"""Performance: how fast is the platform, and where does it stop to keep up?"""

from __future__ import annotations

from raysim.dashboards.dashboard import ALL, ORG, RUN, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import mean, per_second, quantile

_TTFT = "loadtest_llm_time_to_first_token_seconds"
_TPS = "loadtest_llm_tokens_per_second"
_LATENCY = "loadtest_llm_latency_seconds"


def _each_run(title: str, means: str, act: str, expr: str, unit: str, steps: Steps | None = None) -> Panel:
    """One line a run: laid over each other, which is how runs are compared."""
    return Panel(title, means, act, (Query(expr, "{{test_run}}"),), unit, width=8, steps=steps)


_RUNS = (
    _each_run(
        "Successes",
        "Successful answers a second.",
        "The plateau that it reaches while users still grow is the platform's throughput.",
        per_second(f"{_LATENCY}_count", "test_run"),
        "reqps",
    ),
    _each_run(
        "Tokens generated",
        "Completion tokens of successes a second, all users together.",
        "A fairer measure of throughput than requests, as answers differ in length.",
        per_second("loadtest_llm_completion_tokens_sum", "test_run"),
        "short",
    ),
    _each_run(
        "Active users",
        "The load that the other panels are the answer to.",
        "Look where the others bend, and read the number of users there.",
        f"sum by (test_run) (loadtest_run_active_users{{{RUN}}})",
        "short",
    ),
    _each_run(
        "First token, p50",
        "Half of the streamed answers began within this time.",
        "Red: the usual user waits; more capacity or shorter prompts.",
        quantile(0.5, _TTFT, "test_run"),
        "s",
        Steps(0.5, 1),
    ),
    _each_run(
        "First token, p95",
        "95 % of the streamed answers began within this time.",
        "Red: one answer in twenty starts late. Queueing shows here first.",
        quantile(0.95, _TTFT, "test_run"),
        "s",
        Steps(1, 2),
    ),
    _each_run(
        "First token, p99",
        "99 % of the streamed answers began within this time. Needs some hundred answers a minute to mean anything.",
        "Red with a good p95: single slow answers; look for cold starts and one slow backend.",
        quantile(0.99, _TTFT, "test_run"),
        "s",
        Steps(2, 5),
    ),
    _each_run(
        "Tokens per second, median answer",
        "Completion tokens / (end - sent) of the median answer.",
        "Red: slower than people read along comfortably with. Falls when batches grow.",
        quantile(0.5, _TPS, "test_run"),
        "short",
        Steps(40, 20, falling=True),
    ),
    _each_run(
        "Tokens per second, slowest twentieth",
        "95 % of the answers were faster than this.",
        "Red while the median is good: some tenant, model or backend is starved.",
        quantile(0.05, _TPS, "test_run"),
        "short",
        Steps(20, 10, falling=True),
    ),
    _each_run(
        "Latency, mean",
        "End - sent of successes.",
        "Users / latency is the most that closed-loop users can ask a second: latency that doubles halves the load.",
        mean(_LATENCY, "test_run"),
        "s",
    ),
)

_SPREAD = (
    Panel(
        "Latency of the slowest tenant, by model",
        "The highest 95th percentile that any tenant has with a model, of the whole run so far.",
        "Far above the others: open Tenants for who it is.",
        (Query(f'max by (test_run, model) ({_LATENCY}{{{ALL}, quantile="0.95"}})', "{{test_run}} {{model}}"),),
        "s",
    ),
    Panel(
        "First token by length of the prompt",
        "95th percentile of the whole run so far, by how many tokens the prompt had.",
        "Steep: prompts are expensive to process. Flat and high: the time is spent waiting.",
        (
            Query(
                'max by (test_run, model, prompt_bucket) (loadtest_llm_ttft_by_prompt_seconds{test_run=~"$run", '
                'model=~"$model", quantile="0.95"})',
                "{{test_run}} {{model}} {{prompt_bucket}}",
            ),
        ),
        "s",
        "bargauge",
    ),
    Panel(
        "Slowest users",
        "The ten users with the highest 95th percentile of latency so far. Empty with metrics.perUser: false.",
        "All of one tenant: its quota or its route. All on one pod: that node of the generator is busy.",
        (
            Query(
                f"topk(10, max by (test_run, org_id, user_id, worker_pod) (loadtest_user_latency_seconds{{{ORG}, "
                'quantile="0.95"}))',
                "p95",
            ),
        ),
        view="table",
        width=24,
        units={"p95": "s"},
    ),
)

PERFORMANCE = Dashboard(
    "performance",
    "Performance",
    "How fast is the platform, and where does it stop to keep up? Choose several runs to lay them over each other.",
    (Section("Runs laid over each other", _RUNS), Section("Who is slow", _SPREAD)),
)
