"""What happened when: a run's rows in windows of time, small enough to draw however long the run was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from raysim.report.measured import derived, token_gaps

#: a chart shows about so many windows, fewer where so few requests came that each would hold but a few
_MOST_WINDOWS = 120
_FEWEST_WINDOWS = 15
_WANTED_ROWS = 20
#: lengths of a window that read well, in seconds
_WIDTHS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_NS = 1e-9
QUANTILES = (0.5, 0.95, 0.99)
#: gaps between tokens are counted in bins 1 % wide: as exact as the live view, and small
_BIN = math.log(1.01)
#: the shortest gap that bins tell apart, in ns
_SHORTEST_NS = 1_000.0

_COLUMNS = (
    *("org_id", "model", "backend", "outcome", "error_type", "excluded", "lag_flagged"),
    *("prompt_tokens", "completion_tokens", "cost_usd", "unverified_usd"),
    *("ttft_s", "tpot_s", "latency_s", "send_lag_s"),
)


@dataclass(frozen=True)
class Windows:
    """A run's rows, each with the `window` in which it was due.

    `width_s` is a window's length, `count` how many there are; `due_s`, `sent_s` and `end_s` of `rows` are seconds
    after second 0. `gaps`: by window, model and bin, `weight` gaps between tokens.
    """

    width_s: float
    count: int
    rows: pl.DataFrame
    gaps: pl.DataFrame

    @classmethod
    def of(cls, requests: pl.LazyFrame, started_at: float, duration_s: float) -> Windows:
        """The rows of a run that began at `started_at` (unix seconds) and lasted `duration_s`."""
        total: int = requests.select(pl.len()).collect().item()
        most = min(_MOST_WINDOWS, max(_FEWEST_WINDOWS, total // _WANTED_ROWS))
        width_s = next((width for width in _WIDTHS if duration_s / width <= most), _WIDTHS[-1])
        count = max(1, math.ceil(duration_s / width_s))
        due_s = (pl.col("due_unix_ns") - round(started_at * 1e9)) * _NS
        window = (due_s / width_s).floor().cast(pl.Int32).clip(0, count - 1)
        rows = derived(requests, "due_unix_ns", "backend", "sent_ns", "end_ns").select(
            *_COLUMNS,
            window=window,
            due_s=due_s,
            sent_s=due_s + pl.col("sent_ns") * _NS,
            end_s=due_s + pl.col("end_ns").fill_null(0) * _NS,
        )
        bins = (pl.col("itl_ns").clip(lower_bound=_SHORTEST_NS) / _SHORTEST_NS).log() / _BIN
        gaps = (
            token_gaps(requests, "model", "excluded", window.alias("window"))
            .group_by("window", "model", "excluded", bins.floor().cast(pl.Int32).alias("bin"))
            .agg(pl.col("weight").sum())
        )
        return cls(width_s, count, rows.collect(engine="streaming"), gaps.collect(engine="streaming"))

    @property
    def starts_s(self) -> list[float]:
        """Where each window begins, in seconds after second 0."""
        return [number * self.width_s for number in range(self.count)]

    @property
    def middles_s(self) -> list[float]:
        """The middle of each window."""
        return [(number + 0.5) * self.width_s for number in range(self.count)]

    @cached_property
    def headline(self) -> pl.DataFrame:
        """Rows that count for the figures."""
        return self.rows.filter(~pl.col("excluded"))

    def per_second(self, rows: pl.DataFrame, amount: pl.Expr | None = None) -> list[float]:
        """How many of `rows` were due in each window, or their `amount`, a second."""
        summed = rows.group_by("window").agg((pl.len() if amount is None else amount.sum()).alias("amount"))
        return [value / self.width_s for value in self._all(summed, "amount", 0.0)]

    def quantiles(self, rows: pl.DataFrame, column: str) -> dict[float, list[float | None]]:
        """The quantiles of `column` in each window, exact; None where there are no values."""
        known = rows.filter(pl.col(column).is_not_null()).group_by("window")
        names = {share: f"q{share}" for share in QUANTILES}
        found = known.agg(
            pl.col(column).quantile(share, interpolation="linear").alias(name) for share, name in names.items()
        )
        return {share: self._all(found, name, None) for share, name in names.items()}

    def share(self, rows: pl.DataFrame, of: pl.Expr) -> list[float | None]:
        """The share of `rows` in each window that are `of` a kind."""
        return self._all(rows.group_by("window").agg(of.mean().alias("share")), "share", None)

    def gap_quantiles(self) -> dict[float, list[float | None]]:
        """The quantiles of the gaps between tokens in each window, in seconds, within 1 %."""
        found: dict[float, list[float | None]] = {share: [None] * self.count for share in QUANTILES}
        binned = self.gaps.group_by("window", "bin").agg(pl.col("weight").sum()).sort("window", "bin")
        for (window,), part in binned.partition_by("window", as_dict=True).items():
            bins, reached = part["bin"].to_numpy(), np.cumsum(part["weight"].to_numpy())
            for share in QUANTILES:
                place = min(int(np.searchsorted(reached, share * reached[-1])), len(bins) - 1)
                found[share][int(window)] = _bin_middle_s(float(bins[place]))
        return found

    def in_flight(self) -> list[float]:
        """How many requests were under way in each window, on average over its time."""
        sent = self.rows.filter(pl.col("sent_s").is_not_null())
        edges = np.arange(self.count + 1) * self.width_s
        area = _area(sent["sent_s"].to_numpy(), edges) - _area(sent["end_s"].to_numpy(), edges)
        return [float(value) for value in np.maximum(0.0, np.diff(area)) / self.width_s]

    def spent(self, column: str) -> list[float]:
        """How much of `column` had come together at the end of each window, by the requests' ends."""
        rows = self.rows.select("end_s", pl.col(column).fill_null(0.0)).sort("end_s")
        total = np.concatenate([[0.0], np.cumsum(rows[column].to_numpy())])
        edges = np.arange(1, self.count + 1) * float(self.width_s)
        # what ends after the last window belongs to it
        edges[-1] = np.inf
        return [float(value) for value in total[np.searchsorted(rows["end_s"].to_numpy(), edges, side="right")]]

    def _all(self, found: pl.DataFrame, column: str, absent: float | None) -> list:  # type: ignore[type-arg]
        values = [absent] * self.count
        for window, value in found.select("window", column).iter_rows():
            values[window] = value
        return values


def gap_bin_edges_s(bins: np.ndarray) -> np.ndarray:
    """Where bins of gaps begin, in seconds."""
    return np.exp(bins * _BIN) * _SHORTEST_NS * _NS


def _bin_middle_s(number: float) -> float:
    return math.exp((number + 0.5) * _BIN) * _SHORTEST_NS * _NS


def _area(moments: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """At each edge, the sum over the moments before it of the time since."""
    ordered = np.sort(moments)
    before = np.searchsorted(ordered, edges)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    area: np.ndarray = before * edges - sums[before]
    return area
