"""Cost: what does the run spend, on whom, and when does the limit end it?"""

from __future__ import annotations

from raysim.dashboards.dashboard import MODEL, ORG, RUN, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import per_second

_COST = "loadtest_run_cost_usd_total"
_USED = f"loadtest_limit_cost_utilization_ratio{{{RUN}}}"
_RUN_LEGEND = "{{test_run}}"

_BUDGET = (
    Panel(
        "Spent",
        "Price of all tokens so far by the scenario's price table.",
        "Prices are those of the scenario, not of a bill: correct them under `models`.",
        (Query(f"sum by (test_run) ({_COST}{{{RUN}}})", _RUN_LEGEND),),
        "currencyUSD",
        "stat",
        6,
        5,
    ),
    Panel(
        "Cost limit used",
        "Spent / limits.maxCostUsd, with what requests may have cost whose bill is not known. At 1 the run ends.",
        "Red: it is about to end. It will not overspend; raise the limit only if the money is there.",
        (Query(_USED, _RUN_LEGEND),),
        "percentunit",
        "stat",
        6,
        5,
        Steps(0.8, 0.95),
    ),
    Panel(
        "Left until the limit",
        "Time until the cost limit at the speed of the last five minutes; years when nothing is being spent.",
        "Shorter than the rest of the load pattern: the run will be stopped (exit status 5). Lower the load or raise "
        "the limit now.",
        (Query(f"clamp_min(1 - {_USED}, 0) / clamp_min(deriv({_USED}[5m]), 1e-9)", _RUN_LEGEND),),
        "s",
        "stat",
        6,
        5,
        Steps(600, 120, falling=True),
    ),
    Panel(
        "Spending",
        "US dollars an hour at the present speed.",
        "Compare with what the same load may cost in production.",
        (Query(f"3600 * {per_second(_COST, 'test_run', RUN)}", _RUN_LEGEND),),
        "currencyUSD",
        "stat",
        6,
        5,
    ),
)

_COURSE = (
    Panel(
        "Spent so far",
        "Price of all tokens, and how it grew.",
        "A bend upwards: longer prompts or answers, or a dearer model took over.",
        (Query(f"sum by (test_run) ({_COST}{{{RUN}}})", _RUN_LEGEND),),
        "currencyUSD",
    ),
    Panel(
        "Tokens",
        "Prompt and completion tokens a second: what the money is spent on.",
        "Prompts grow with the turns of a conversation; completion tokens cost several times as much each.",
        (Query(per_second("loadtest_run_tokens_total", "test_run, token_type", RUN), "{{test_run}} {{token_type}}"),),
        "short",
    ),
)

_WHO = (
    Panel(
        "By tenant",
        "What the users of a tenant have cost so far. Empty with metrics.perUser: false.",
        "A tenant near its budget (organizations.budgetUsd) will be refused by the platform: that shows as refused.",
        (
            Query(
                f"sum by (test_run, org_id) (loadtest_user_cost_usd_total{{{ORG}}})",
                "{{test_run}} {{org_id}}",
            ),
        ),
        "currencyUSD",
        "bargauge",
    ),
    Panel(
        "Dearest users",
        "The ten users that cost most so far. Empty with metrics.perUser: false.",
        "Far above the rest: long conversations, see prompt tokens under LLM.",
        (Query(f"topk(10, sum by (test_run, org_id, user_id) (loadtest_user_cost_usd_total{{{ORG}}}))", "spent"),),
        view="table",
        units={"spent": "currencyUSD"},
    ),
)

_VALUE = (
    Panel(
        "A million tokens, by model",
        "Price of the tokens so far / their number; `total` is the mix that the users really caused.",
        "The total moves with the mix of prompt and completion tokens: compare models at the same mix.",
        (
            Query(
                'max by (test_run, model, token_type) (loadtest_cost_usd_per_million_tokens{test_run=~"$run", '
                'model=~"$model"})',
                "{{test_run}} {{model}} {{token_type}}",
            ),
        ),
        "currencyUSD",
        "bargauge",
        8,
    ),
    Panel(
        "A second of generation",
        "Price of streamed answers / the time that they took to be generated.",
        "Above what a second of the GPU costs: hosting the model may be cheaper.",
        (
            Query(
                f"max by (test_run, model, backend) (loadtest_cost_usd_per_generation_second{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
        "currencyUSD",
        "bargauge",
        8,
        decimals=6,
    ),
    Panel(
        "Speed for the money",
        "Mean tokens per second of an answer / US dollars that a million tokens cost. More is better.",
        "The model that wins here is not always fast enough: read it beside the first token.",
        (
            Query(
                f"max by (test_run, model, backend) (loadtest_cost_tps_per_usd{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
        "short",
        "bargauge",
        8,
    ),
)

COST = Dashboard(
    "cost",
    "Cost",
    "What does the run spend, on whom, and when does the limit end it?",
    (
        Section("Budget", _BUDGET),
        Section("Course", _COURSE),
        Section("Who spends it", _WHO),
        Section("What it buys", _VALUE),
    ),
)
