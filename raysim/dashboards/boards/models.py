"""Model comparison: which model is fast enough, and what does that cost?"""

from __future__ import annotations

from raysim.dashboards.dashboard import ALL, ORG, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import mean_so_far, per_second, quantile, quantile_so_far

_TTFT = "loadtest_llm_time_to_first_token_seconds"
_TPS = "loadtest_llm_tokens_per_second"
_TPOT = "loadtest_llm_time_per_output_token_seconds"
_BY = "test_run, model"
_LEGEND = "{{test_run}} {{model}}"
_PRICE = 'loadtest_cost_usd_per_million_tokens{test_run=~"$run", model=~"$model", token_type="total"}'

_TABLE = (
    Panel(
        "Side by side, the whole run so far",
        "Quantiles are of all answers of a model together, from the histograms' buckets.",
        "Click on a column to rank by it. Figures of few answers mean little; the report has confidence intervals.",
        (
            Query(f"sum by ({_BY}) (loadtest_llm_latency_seconds_count{{{ALL}}})", "answers"),
            Query(quantile_so_far(0.5, _TTFT, _BY), "first token p50"),
            Query(quantile_so_far(0.95, _TTFT, _BY), "first token p95"),
            Query(quantile_so_far(0.5, _TPOT, _BY), "per output token p50"),
            Query(mean_so_far(_TPS, _BY), "tokens/s mean"),
            Query(quantile_so_far(0.05, _TPS, _BY), "tokens/s p5"),
            Query(f'sum by ({_BY}) (loadtest_run_errors_total{{{ORG}, model=~"$model"}})', "not successful", rare=True),
            Query(f"max by ({_BY}) ({_PRICE})", "USD per 1M tokens"),
            Query(f"{mean_so_far(_TPS, _BY)} / max by ({_BY}) ({_PRICE})", "tokens/s per USD"),
        ),
        view="table",
        width=24,
        units={
            "first token p50": "s",
            "first token p95": "s",
            "per output token p50": "s",
            "USD per 1M tokens": "currencyUSD",
        },
    ),
)

_LINES = (
    Panel(
        "First token, p50",
        "First token - sent: half of the answers began within this time.",
        "Red: above what people call at once.",
        (Query(quantile(0.5, _TTFT, _BY), _LEGEND),),
        "s",
        width=8,
        steps=Steps(0.5, 1),
    ),
    Panel(
        "First token, p95",
        "95 % of the answers began within this time.",
        "Red: one in twenty waits too long; a model that is fast at its median only is not fast.",
        (Query(quantile(0.95, _TTFT, _BY), _LEGEND),),
        "s",
        width=8,
        steps=Steps(1, 2),
    ),
    Panel(
        "Tokens per second, median answer",
        "Completion tokens / (end - sent).",
        "Red: slower than people read along comfortably with.",
        (Query(quantile(0.5, _TPS, _BY), _LEGEND),),
        width=8,
        steps=Steps(40, 20, falling=True),
    ),
    Panel(
        "Successes",
        "Answers a second: the load that each model was under, without which its speed says nothing.",
        "Compare models at the same load; modelPreferences of the scenario shares it out.",
        (Query(per_second("loadtest_llm_latency_seconds_count", _BY), _LEGEND),),
        "reqps",
        width=8,
    ),
    Panel(
        "A million tokens",
        "Price of all tokens so far / their number x 1,000,000, at the mix that the users caused.",
        "Not a list price: a model that answers briefly is cheaper than its price list says.",
        (Query(f"max by ({_BY}) ({_PRICE})", _LEGEND),),
        "currencyUSD",
        width=8,
    ),
    Panel(
        "Speed for the money",
        "Mean tokens per second of an answer / US dollars that a million tokens cost. More is better.",
        "The winner is worth it only if its first token is quick enough.",
        (Query(f"{mean_so_far(_TPS, _BY)} / max by ({_BY}) ({_PRICE})", _LEGEND),),
        width=8,
    ),
)

MODELS = Dashboard(
    "models",
    "Model comparison",
    "Which model is fast enough, and what does that cost?",
    (Section("Table", _TABLE), Section("Over time", _LINES)),
)
