"""Requests with the times that are derived from them, by the definitions that every report prints."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from raysim.core.goals.slo import Slo

#: what the figures mean; printed in reports
DEFINITIONS = {
    "ttft": "first token - sent, of streamed successes",
    "itl": "gaps between token arrivals; a chunk of k tokens counts as k gaps of gap/k",
    "tpot": "(last token - first token) / (completion tokens - 1), of streamed successes",
    "latency": "end - sent, of successes",
    "response_time": "end - due, of successes: includes lateness and retries",
    "tps": "completion tokens / (end - sent) of one answer",
    "queue": "queueing as the platform states it; absent when it does not",
    "held": "how long raysim itself held requests back that were due (cost limit, cap on the rate, most in flight); "
    "part of response_time, not of latency",
    "unverified": "what requests may have cost besides, whose bill the platform did not tell: counts as spent, unless "
    "limits.unknownCost is counted",
    "throughput": "successes, and their completion tokens, due in headline phases / length of these phases",
    "error_rate": "errors / (successes + errors), all phases; refusals and cancellations apart",
    "percentiles": "exact; linear interpolation between order statistics",
    "goodput": "share of requests (success and error alike, headline) that succeeded within every time of the SLO, and "
    "of their completion tokens; a time that a request does not have is no condition for it",
    "mean_ci95": "95 % confidence interval of the mean, by batch means",
    "headline": "requests due in phases that are not excluded; requests, tokens and cost count all phases",
}

_NS = 1e-9
_US = 1e-6
_US_IN_NS = 1e3
#: requests whose token gaps are in memory together; each may have hundreds
_TOGETHER = 20_000

_SUCCEEDED = pl.col("outcome") == "success"
_STREAMED = _SUCCEEDED & pl.col("streamed")
#: tokens that the average chunk after the first one held: each of its gaps counts that often
_TOKENS_PER_GAP = (
    pl.when(
        pl.col("token_source").is_in(["usage", "tokenizer"])
        & (pl.col("chunks") > 1)
        & (pl.col("completion_tokens") > 1)
    )
    .then((pl.col("completion_tokens") - 1) / (pl.col("chunks") - 1))
    .otherwise(1.0)
)
_WITH_GAPS = _STREAMED & (pl.col("chunk_gaps_us").list.len() > 0)
_GROUPS = ("org_id", "model", "endpoint", "phase", "excluded")


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests in the order in which they were due, and the token gaps of the streamed ones among them.

    `rows`: one a request; times in seconds, null where a time does not exist for that request. `gaps`: `itl_s`, with
    its `weight` (how many token gaps of that length), by tenant, model, endpoint and phase. `slo` says which
    requests are good ones; None when nobody asked.
    """

    rows: pl.DataFrame
    gaps: pl.DataFrame
    slo: Slo | None = None

    @classmethod
    def of(cls, requests: pl.LazyFrame, slo: Slo | None = None) -> Measured:
        """Derive the times of `requests`, rows with the columns of a requests file, to be judged by `slo`."""
        return cls(gaps=_gaps(requests), rows=derived(requests).collect(engine="streaming"), slo=slo)

    def headline(self) -> Measured:
        """Only what was due in phases that count."""
        return self._where(~pl.col("excluded")) if self.rows["excluded"].any() else self

    def names(self, column: str) -> list[str]:
        """The values of `org_id`, `model`, `endpoint` or `phase`, in the order of first appearance."""
        return self.rows[column].unique(maintain_order=True).to_list()

    def only(self, column: str, name: str) -> Measured:
        """Only the requests with this value; a copy of them, so that one group at a time needs memory."""
        if self.rows.height and (self.rows[column] == name).all():
            return self
        return self._where(pl.col(column) == name)

    def _where(self, condition: pl.Expr) -> Measured:
        return Measured(self.rows.filter(condition), self.gaps.filter(condition), self.slo)


def derived(requests: pl.LazyFrame, *also: str) -> pl.LazyFrame:
    """Requests with the times that are derived from them, as `Measured` holds them, and the columns `also`."""
    sent, end, tokens = pl.col("sent_ns"), pl.col("end_ns"), pl.col("completion_tokens")
    first, last = pl.col("first_token_ns"), pl.col("last_token_ns")
    gap_count = pl.col("chunk_gaps_us").list.len()
    with_gaps = _STREAMED & (gap_count > 0)
    # sorted afterwards: a million requests' token gaps need not be sorted with them
    found = requests.select(
        *_GROUPS,
        *also,
        *("outcome", "error_type", "streamed", "lag_flagged", "token_source", "token_reads"),
        *("prompt_tokens", "completion_tokens", "question_hash", "think_s", "think_planned_s"),
        *("worker", "cost_usd", "unverified_usd", "reserved_usd"),
        *("think_next_s", "prompt_target_tokens", "cached_tokens"),
        latency_s=_when(_SUCCEEDED, (end - sent) * _NS),
        response_time_s=_when(_SUCCEEDED, end * _NS),
        ttft_s=_when(_STREAMED, (first - sent) * _NS),
        tpot_s=_when(_STREAMED & (tokens > 1), (last - first) * _NS / (tokens - 1)),
        tps=_when(_SUCCEEDED & (tokens > 0) & (end > sent), tokens / ((end - sent) * _NS)),
        queue_s=_when(_SUCCEEDED, pl.col("queue_ns") * _NS),
        # opening a connection, holding back on purpose and sending again are not the generator's lateness
        send_lag_s=_when(
            pl.col("attempts") == 1,
            pl.max_horizontal(0, sent - pl.sum_horizontal("connect_ns", "held_ns", "injected_ns")) * _NS,
            sent,
        ),
        held_s=pl.col("held_ns") * _NS,
        gaps_s=_when(with_gaps, pl.col("chunk_gaps_us").list.sum() * _US),
        gaps_weight=_when(with_gaps, _TOKENS_PER_GAP * gap_count),
        due_order=pl.col("due_unix_ns"),
    )
    return found.sort("due_order", maintain_order=True).drop("due_order")


def _gaps(requests: pl.LazyFrame) -> pl.DataFrame:
    """Grouped by length, to a nanosecond, some requests at a time, so that those of a long run fit in memory."""
    narrow = requests.filter(_WITH_GAPS).select(*_GROUPS, "chunk_gaps_us", weight=_TOKENS_PER_GAP)
    grouped = [_added(_lengths(some.lazy())).collect() for some in narrow.collect_batches(chunk_size=_TOGETHER)]
    found = pl.concat(grouped).lazy() if grouped else _added(_lengths(narrow))
    return _added(found).select(*_GROUPS, "weight", itl_s=pl.col("itl_ns") * _NS).collect()


def _added(gaps: pl.LazyFrame) -> pl.LazyFrame:
    return gaps.group_by(*_GROUPS, "itl_ns").agg(pl.col("weight").sum())


def token_gaps(requests: pl.LazyFrame, *also: str | pl.Expr) -> pl.LazyFrame:
    """The gaps between tokens of streamed successes: `itl_ns` with its `weight`, and `also` of their requests."""
    return _lengths(requests.filter(_WITH_GAPS).select(*also, "chunk_gaps_us", weight=_TOKENS_PER_GAP))


def _lengths(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.explode("chunk_gaps_us", empty_as_null=False).with_columns(
        itl_ns=(pl.col("chunk_gaps_us") * _US_IN_NS / pl.col("weight")).round()
    )


def _when(condition: pl.Expr, value: pl.Expr, needed: pl.Expr | None = None) -> pl.Expr:
    if needed is not None:
        condition = condition & needed.is_not_null()
    return pl.when(condition).then(value)
