"""The figures that can be compared, by the names that rules and tables use: `ttft_p99`, `error_rate`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from raysim.core.aggregation.statistics import SHARES


class Unit(StrEnum):
    """What a figure is measured in."""

    SECONDS = "s"
    PER_SECOND = "1/s"
    #: of 1; its changes are differences, not ratios
    SHARE = "share"
    USD = "USD"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a run.

    `quantity` is what it is taken of; `share` the quantile (0 to 1), None for a mean, a rate or a share.
    """

    name: str
    quantity: str
    unit: Unit
    more_is_worse: bool
    share: float | None = None


#: quantities that each request has one of (ITL: many), with their units and whether more of them is worse
QUANTITIES = {
    "ttft": (Unit.SECONDS, True),
    "itl": (Unit.SECONDS, True),
    "tpot": (Unit.SECONDS, True),
    "latency": (Unit.SECONDS, True),
    "response_time": (Unit.SECONDS, True),
    "queue": (Unit.SECONDS, True),
    "tps": (Unit.PER_SECOND, False),
}
ERROR_RATE = Metric("error_rate", "error_rate", Unit.SHARE, more_is_worse=True)
GOODPUT = Metric("goodput", "goodput", Unit.SHARE, more_is_worse=False)
REQUESTS_PER_S = Metric("requests_per_s", "requests_per_s", Unit.PER_SECOND, more_is_worse=False)
TOKENS_PER_S = Metric("output_tokens_per_s", "output_tokens_per_s", Unit.PER_SECOND, more_is_worse=False)
USD_PER_MILLION = Metric("usd_per_million_tokens", "usd_per_million_tokens", Unit.USD, more_is_worse=True)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *(
            Metric(f"{quantity}_{suffix}", quantity, unit, worse, share)
            for quantity, (unit, worse) in QUANTITIES.items()
            for suffix, share in (("mean", None), *((f"p{share * 100:g}", share) for share in SHARES))
        ),
        ERROR_RATE,
        GOODPUT,
        REQUESTS_PER_S,
        TOKENS_PER_S,
        USD_PER_MILLION,
    )
}

#: the family whose verdicts are right together
HEADLINE: tuple[Metric, ...] = tuple(
    METRICS[name]
    for name in (
        *("ttft_mean", "ttft_p50", "ttft_p95", "ttft_p99", "itl_mean", "itl_p50", "itl_p99", "tpot_p50", "tpot_p95"),
        *("latency_p50", "latency_p95", "latency_p99", "queue_p95", "tps_mean"),
        *("error_rate", "goodput", "requests_per_s", "output_tokens_per_s", "usd_per_million_tokens"),
    )
)
