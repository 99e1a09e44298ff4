"""Tenants and fairness: does everybody get the same, and does one tenant's load hurt another?"""

from __future__ import annotations

from raysim.dashboards.dashboard import ALL, ORG, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import mean_so_far, per_second, quantile, quantile_so_far

_TTFT = "loadtest_llm_time_to_first_token_seconds"
_BY = "test_run, org_id"
_LEGEND = "{{test_run}} {{org_id}}"
_TOKENS = per_second("loadtest_llm_completion_tokens_sum", _BY)
_SLOW = quantile(0.95, _TTFT, _BY)

_FAIR = (
    Panel(
        "Fairness of throughput",
        "Jain's index of the tenants' tokens a second: 1 when all get the same, 1/n when one of n gets everything.",
        "Red: some tenants are served far better. Right when their numbers of users differ by intention.",
        (
            Query(
                f"sum by (test_run) ({_TOKENS}) ^ 2 "
                f"/ (count by (test_run) ({_TOKENS}) * sum by (test_run) (({_TOKENS}) ^ 2))",
                "{{test_run}}",
            ),
        ),
        "percentunit",
        width=12,
        most=1,
        steps=Steps(0.9, 0.7, falling=True),
    ),
    Panel(
        "Slowest / fastest tenant",
        "The highest of the tenants' 95th percentiles of the first token, divided by the lowest.",
        "Red while models are the same for all: a noisy neighbour. Tenants with other models differ by right.",
        (Query(f"max by (test_run) ({_SLOW}) / min by (test_run) ({_SLOW})", "{{test_run}}"),),
        "short",
        width=12,
        steps=Steps(1.5, 2),
    ),
)

_EACH = (
    Panel(
        "First token, p95",
        "First token - sent: 95 % of a tenant's answers began within this time.",
        "One line above the others: that tenant. All together: the platform.",
        (Query(_SLOW, _LEGEND),),
        "s",
        steps=Steps(1, 2),
    ),
    Panel(
        "Tokens generated",
        "Completion tokens of a tenant's successes a second.",
        "A tenant that is starved is flat while others grow.",
        (Query(_TOKENS, _LEGEND),),
    ),
    Panel(
        "Successes",
        "Successful answers of a tenant a second.",
        "It goes with the tenant's number of users.",
        (Query(per_second("loadtest_llm_latency_seconds_count", _BY), _LEGEND),),
        "reqps",
    ),
    Panel(
        "Not successful",
        "Requests of a tenant a second that failed or were refused, by kind.",
        "rate_limited, quota_exceeded and budget_exceeded of one tenant are its own limits; of others, a leak of them.",
        (
            Query(
                per_second("loadtest_run_errors_total", f"{_BY}, error_type", f'{ORG}, model=~"$model"'),
                f"{_LEGEND} {{{{error_type}}}}",
                rare=True,
            ),
        ),
        "reqps",
    ),
)

_TABLE = (
    Panel(
        "Tenants, the whole run so far",
        "Quantiles are of all answers of a tenant together, from the histograms' buckets.",
        "Rank by a column. The report says whether tenants could see each other's data (isolation).",
        (
            Query(f"sum by ({_BY}) (loadtest_llm_latency_seconds_count{{{ALL}}})", "answers"),
            Query(quantile_so_far(0.5, _TTFT, _BY), "first token p50"),
            Query(quantile_so_far(0.95, _TTFT, _BY), "first token p95"),
            Query(mean_so_far("loadtest_llm_tokens_per_second", _BY), "tokens/s mean"),
            Query(f"sum by ({_BY}) (loadtest_run_errors_total{{{ORG}}})", "not successful", rare=True),
            Query(f"sum by ({_BY}) (loadtest_user_cost_usd_total{{{ORG}}})", "spent"),
        ),
        view="table",
        width=24,
        units={"first token p50": "s", "first token p95": "s", "spent": "currencyUSD"},
    ),
    Panel(
        "Users that are gone for good",
        "Users that left before their time, by why: budget, quota, key, request limit, crashed.",
        "Any row: load is missing from here on. The platform refuses them, or the generator lost them.",
        (
            Query(
                f'sum by (test_run, org_id, reason) (loadtest_user_session_completed{{{ORG}, reason!="finished"}}) > 0',
                "users",
                rare=True,
            ),
        ),
        view="table",
    ),
    Panel(
        "Sessions that are over",
        "Sessions that users have finished as the scenario says.",
        "None after minutes: sessions are longer than the run, or users wait for answers.",
        (
            Query(
                f'sum by ({_BY}) (loadtest_user_session_completed{{{ORG}, reason="finished"}})',
                _LEGEND,
            ),
        ),
    ),
)

TENANTS = Dashboard(
    "tenants",
    "Tenants and fairness",
    "Does everybody get the same, and does one tenant's load hurt another?",
    (Section("Fairness", _FAIR), Section("Each tenant", _EACH), Section("Tables", _TABLE)),
)
