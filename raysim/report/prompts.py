"""How long prompts were beside what they were to be, and what of them came out of a cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from raysim.report.facts import RunFacts

#: a prompt meets its target within this share of it, or this many tokens
_CLOSE = 0.05
_CLOSE_TOKENS = 8
#: sources of token counts that are no estimates
_COUNTED = ("usage", "tokenizer")


def prompts(rows: pl.DataFrame, facts: RunFacts) -> dict[str, Any]:
    """The block of the summary: lengths in tokens, of successes whose prompt the platform counted."""
    plan = facts.plan.behaviour.prompts
    counted = rows.filter((pl.col("outcome") == "success") & pl.col("token_source").is_in(_COUNTED))
    aimed = counted.select("prompt_target_tokens", "prompt_tokens").drop_nulls()
    target, actual = aimed["prompt_target_tokens"].to_numpy(), aimed["prompt_tokens"].to_numpy()
    off = np.abs(actual - target)
    # a question without a target, where there is one for all, is one that was longer by itself
    longer = counted.filter((pl.col("question_hash") != 0) & pl.col("prompt_target_tokens").is_null())
    told = counted.filter(pl.col("cached_tokens").is_not_null())
    looked_up = int(told["prompt_tokens"].sum())
    cached = int(told["cached_tokens"].sum())
    return {
        "cache": plan.cache,
        "shared_prefix_tokens": plan.shared_prefix_tokens,
        "target": _figures(target),
        "counted": _figures(actual),
        "ratio": float(actual.sum() / target.sum()) if target.size else None,
        "met_share": float((off <= np.maximum(_CLOSE_TOKENS, _CLOSE * target)).mean()) if target.size else None,
        "longer": longer.height if plan.target is not None and plan.cache != "repeat" else 0,
        "cached_tokens": cached if told.height else None,
        "cached_share": cached / looked_up if looked_up else None,
    }


def _figures(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    known = values.size > 0
    return {
        "mean": float(values.mean()) if known else None,
        "p50": float(np.quantile(values, 0.5)) if known else None,
        "p95": float(np.quantile(values, 0.95)) if known else None,
        "count": int(values.size),
    }
