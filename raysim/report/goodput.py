"""How much of what was asked was answered in time: the share of good requests, and of their tokens.

A request is good as in `vllm bench serve --goodput`: it succeeded, and every time of the SLO holds for it. There
goodput is the rate of good requests, as in DistServe (Zhong et al., OSDI 2024); here it is their share too, and a
request that failed is one that was not good.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from raysim.report.measured import Measured

#: condition of an SLO → the column that it bounds
_COLUMNS = {"ttft": "ttft_s", "tpot": "tpot_s", "latency": "latency_s"}
#: times are whole nanoseconds: less than that is the rounding of seconds
_HALF_NS = 0.5e-9


def goodput(headline: Measured, over_s: float) -> dict[str, Any] | None:
    """The block of the summary; None without an SLO.

    Shares are of successes and errors (`of` requests); refusals and cancellations stand apart, as in `error_rate`.
    `misses` counts the requests that failed, and those that missed each time; one can miss several. `unmeasured` names
    the times that no answer had; when that is all of them, nothing can be said, and the shares are null.
    """
    if headline.slo is None:
        return None
    conditions = headline.slo.conditions()
    decided = headline.rows.filter(pl.col("outcome").is_in(["success", "error"]))
    succeeded = decided.filter(pl.col("outcome") == "success")
    late = {
        name: (pl.col(_COLUMNS[name]) > limit_s + _HALF_NS).fill_null(value=False)
        for name, limit_s in conditions.items()
    }
    good = succeeded.filter(~pl.any_horizontal(*late.values()))
    misses = {name: succeeded.filter(condition).height for name, condition in late.items()}
    unmeasured = [name for name in conditions if succeeded[_COLUMNS[name]].null_count() == succeeded.height]
    known = decided.height > 0 and (succeeded.is_empty() or len(unmeasured) < len(conditions))
    tokens, good_tokens = int(decided["completion_tokens"].sum()), int(good["completion_tokens"].sum())
    lasted = known and over_s > 0
    return {
        "slo": {f"{name}_s": limit_s for name, limit_s in conditions.items()},
        "requests": good.height / decided.height if known else None,
        "tokens": good_tokens / tokens if known and tokens else None,
        "requests_per_s": good.height / over_s if lasted else None,
        "output_tokens_per_s": good_tokens / over_s if lasted else None,
        "good": good.height if known else None,
        "of": decided.height,
        "misses": {"failed": decided.height - succeeded.height, **misses},
        "unmeasured": unmeasured if succeeded.height else [],
    }
