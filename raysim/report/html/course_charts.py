"""Charts of what happened when: load, times, errors, cost, tenants, the generator's own health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from raysim.report.html.chart import Chart, Draw, Mark, Series
from raysim.report.html.pieces import RunPieces
from raysim.report.html.windows import QUANTILES, Windows

#: more lines than these in one chart cannot be told apart
MOST_LINES = 8
_NAMES = {share: f"p{share * 100:g}" for share in QUANTILES}
_OUTCOMES = ("success", "error", "refused", "cancelled")
_LOST = ("error", "refused")
_SUCCEEDED = pl.col("outcome") == "success"


def load_charts(pieces: RunPieces, windows: Windows) -> Iterator[Chart]:
    """Users, and what they got through."""
    yield Chart(
        "users", "Users", "users", tuple(_users(pieces, windows)), note="requests under way: mean of the window"
    )
    outcomes = [outcome for outcome in _OUTCOMES if windows.rows.filter(pl.col("outcome") == outcome).height]
    yield Chart(
        "requests",
        "Requests",
        "per second",
        tuple(
            _bars(outcome, windows, windows.per_second(windows.rows.filter(pl.col("outcome") == outcome)), outcome)
            for outcome in outcomes
        ),
        note="by the moment they were due",
        stacked=True,
        bar_width_s=windows.width_s,
    )
    succeeded = windows.rows.filter(_SUCCEEDED)
    tokens = windows.per_second(succeeded, pl.col("completion_tokens"))
    yield Chart("tokens", "Output tokens", "per second", (_over_time("tokens/s", windows, tokens, 0, "area"),))


def _users(pieces: RunPieces, windows: Windows) -> Iterator[Series]:
    if pieces.load is not None:
        moments = pieces.load["run_s"].to_list()
        yield Series("target", moments, pieces.load["target"].to_list(), "target", "steps", dashed=True)
        yield Series("active", moments, pieces.load["active"].to_list(), 0, "steps")
    yield _over_time("requests under way", windows, windows.in_flight(), 1)


def time_charts(windows: Windows) -> Iterator[Chart]:
    """TTFT, gaps between tokens, time per token and latency: three quantiles of each window."""
    for name, title, column in (
        ("ttft", "TTFT, time to first token", "ttft_s"),
        ("latency", "Latency of requests", "latency_s"),
        ("tpot", "TPOT, time per output token", "tpot_s"),
    ):
        yield _quantile_chart(
            f"{name}-time", title, windows, windows.quantiles(windows.rows, column), _sizes(windows, column)
        )
    yield _quantile_chart("itl-time", "ITL, gaps between tokens", windows, windows.gap_quantiles(), (), "within 1 %")


def _quantile_chart(
    name: str,
    title: str,
    windows: Windows,
    found: dict[float, list[float | None]],
    sizes: Sequence[int],
    note: str = "",
) -> Chart:
    series = tuple(
        Series(_NAMES[share], windows.middles_s, found[share], _NAMES[share], sizes=sizes)
        for share in reversed(QUANTILES)
    )
    return Chart(name, title, "s", series, note=note)


def _sizes(windows: Windows, column: str) -> list[int]:
    counts = dict(windows.rows.filter(pl.col(column).is_not_null())["window"].value_counts().iter_rows())
    return [counts.get(window, 0) for window in range(windows.count)]


def tenant_charts(pieces: RunPieces, windows: Windows) -> Iterator[Chart]:
    """What each tenant felt and got over time, of those with the most requests."""
    tenants = sorted(pieces.summary["tenants"], key=lambda tenant: -tenant["requests"]["total"])
    kept = {tenant["org_id"] for tenant in tenants[:MOST_LINES]}
    shown = [tenant["org_id"] for tenant in pieces.summary["tenants"] if tenant["org_id"] in kept]
    rows = {name: windows.rows.filter(pl.col("org_id") == name) for name in shown}
    note = f"the {MOST_LINES} of {len(tenants)} tenants with the most requests" if len(tenants) > MOST_LINES else ""

    def chart(name: str, title: str, unit: str, values: Callable[[pl.DataFrame], Sequence[float | None]]) -> Chart:
        lines = (_over_time(tenant, windows, values(rows[tenant]), number) for number, tenant in enumerate(shown))
        return Chart(f"tenants-{name}", title, unit, tuple(lines), note=note)

    yield chart("ttft", "TTFT by tenant, median", "s", lambda mine: windows.quantiles(mine, "ttft_s")[0.5])
    yield chart("latency", "Latency by tenant, median", "s", lambda mine: windows.quantiles(mine, "latency_s")[0.5])
    successes = "Successful requests by tenant"
    yield chart("requests", successes, "per second", lambda mine: windows.per_second(mine.filter(_SUCCEEDED)))
    if windows.rows["outcome"].is_in(_LOST).any():
        lost = pl.col("outcome").is_in(_LOST)
        title = "Errors and refusals by tenant"
        yield chart("lost", title, "per second", lambda mine: windows.per_second(mine.filter(lost)))


def error_chart(pieces: RunPieces, windows: Windows) -> Chart:
    """What did not succeed over time, by its kind."""
    kinds = [error["kind"] for error in pieces.summary["errors"]][:MOST_LINES]
    return Chart(
        "errors",
        "Requests that did not succeed",
        "per second",
        tuple(
            _bars(kind, windows, windows.per_second(windows.rows.filter(pl.col("error_type") == kind)), number)
            for number, kind in enumerate(kinds)
        ),
        stacked=True,
        bar_width_s=windows.width_s,
    )


def cost_chart(pieces: RunPieces, windows: Windows) -> Chart:
    """What had been spent at each moment, against the limit."""
    ends = [start + windows.width_s for start in windows.starts_s]
    spent, unverified = windows.spent("cost_usd"), windows.spent("unverified_usd")
    series = [Series("spent", [0.0, *ends], [0.0, *spent], 0, "area")]
    if unverified[-1]:
        both = [known + perhaps for known, perhaps in zip(spent, unverified, strict=True)]
        series.append(Series("with what may have been billed", [0.0, *ends], [0.0, *both], 1, dashed=True))
    limit = pieces.summary["cost"]["limit_usd"]
    marks = () if limit is None else (Mark(limit, "limit", axis="y"),)
    return Chart("cost", "Cost", "usd", tuple(series), note="by the moment requests ended", marks=marks)


def generator_charts(windows: Windows) -> Iterator[Chart]:
    """How late the generator itself sent, and how many of its stamps it does not vouch for."""
    found = windows.quantiles(windows.rows, "send_lag_s")
    yield _quantile_chart(
        "send-lag", "Send lag", windows, found, _sizes(windows, "send_lag_s"), "sent - due, the generator's own"
    )
    flagged = windows.share(windows.rows, pl.col("lag_flagged"))
    yield Chart(
        "flagged",
        "Flagged requests",
        "share",
        (_over_time("flagged", windows, flagged, "error", "area"),),
        note="stamped while the event loop was over 10 ms late",
        marks=(Mark(0.01, "suspect", axis="y"),),
    )


def backend_charts(readings: pl.LazyFrame, started_at: float, windows: Windows) -> Iterator[Chart]:
    """What backends said of themselves: means over each window of what is to be known at a look."""
    at = ((pl.col("time_unix_s") - started_at) / windows.width_s).floor().cast(pl.Int32)
    columns = ("running", "waiting", "queue_seconds", "kv_cache_ratio", "gpu_utilization_ratio")
    means = (
        readings.with_columns(window=at)
        .filter(pl.col("up") & pl.col("window").is_between(0, windows.count - 1))
        .group_by("backend", "window")
        .agg(pl.col(column).mean() for column in columns)
        .sort("backend", "window")
        .collect()
    )
    names = means["backend"].unique().sort().to_list()[:MOST_LINES]
    by_name = {name: means.filter(pl.col("backend") == name) for name in names}
    for column, title, unit in (
        ("running", "Requests at work, by backend", "requests"),
        ("waiting", "Requests in the queue, by backend", "requests"),
        ("queue_seconds", "Time in the queue, by backend", "s"),
        ("kv_cache_ratio", "KV cache in use, by backend", "share"),
        ("gpu_utilization_ratio", "GPU at work, by backend", "share"),
    ):
        yield Chart(
            f"backend-{column.split('_')[0]}",
            title,
            unit,
            tuple(
                Series(
                    name,
                    [(window + 0.5) * windows.width_s for window in rows["window"]],
                    rows[column].to_list(),
                    number,
                )
                for number, (name, rows) in enumerate(by_name.items())
            ),
        )


def _over_time(
    name: str, windows: Windows, values: Sequence[float | None], tone: int | str, draw: Draw = "line"
) -> Series:
    return Series(name, windows.middles_s, values, tone, draw)


def _bars(name: str, windows: Windows, values: Sequence[float | None], tone: int | str) -> Series:
    return Series(name, windows.middles_s, values, tone, "bars")
