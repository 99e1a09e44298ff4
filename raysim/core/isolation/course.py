"""What happened to every tenant's requests, in the order in which they were due, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

#: fewer earlier requests of a stratum than this say nothing about what is usual for it
_FEWEST_OF_A_STRATUM = 10


@dataclass(frozen=True, slots=True)
class Course:
    """Requests by their position; all arrays have the same length.

    Args:
        tenants: names; `tenant` holds indices into it.
        users: planned users of each tenant, in the same order; shares of throughput are per user.
        at_s: when the request was due, in seconds after the run's second 0; rising.
        tenant: whose it is.
        stratum: a number for what makes requests comparable (model and endpoint).
        ttft_s: time to first token of streamed successes, in seconds; NaN otherwise.
        latency_s: end - sent of successes, in seconds; NaN otherwise.
        prompt_tokens: length of the prompt; NaN where it is not known.
        completion_tokens: length of the answer; NaN where it is not known.
        success: it succeeded.
        failed: it ended in an error.
        refused: the platform said no (budget, quota or rate).
        spent: that no was a spent budget or quota.
        limited: that no was a rate limit.
        excluded: due in a phase that is left out of the headline.
    """

    tenants: tuple[str, ...]
    users: tuple[int, ...]
    at_s: Floats
    tenant: Codes
    stratum: Codes
    ttft_s: Floats
    latency_s: Floats
    prompt_tokens: Floats
    completion_tokens: Floats
    success: Flags
    failed: Flags
    refused: Flags
    spent: Flags
    limited: Flags
    excluded: Flags

    def within(self, start_s: float, end_s: float) -> Flags:
        """Which were due in [start_s, end_s) of phases that count."""
        return (self.at_s >= start_s) & (self.at_s < end_s) & ~self.excluded

    def only(self, part: Flags) -> Course:
        """The requests in `part` alone."""
        kept = {f.name: getattr(self, f.name)[part] for f in fields(self) if f.name not in ("tenants", "users")}
        return Course(self.tenants, self.users, **kept)

    def of(self, tenants: tuple[int, ...]) -> Flags:
        """Which are of these tenants."""
        return np.isin(self.tenant, tenants)

    def mix_weights(self, part: Flags, base: Flags) -> Floats:
        """A weight for each request of `part`, so that its strata are mixed as those of `base` are.

        Strata that are not in both have weight 0. (Post-stratification.)
        """
        weights = np.zeros(self.at_s.size)
        for stratum in np.unique(self.stratum):
            mine = self.stratum == stratum
            here, there = np.count_nonzero(mine & part), np.count_nonzero(mine & base)
            if here:
                weights[mine & part] = there / here
        return weights

    def usual_ttft(self, base: Flags) -> Floats:
        """The logarithm of each TTFT over what is usual in `base` for its stratum and prompt; NaN where not known."""
        return self._usual(self.ttft_s, self.prompt_tokens, base)

    def usual_latency(self, base: Flags) -> Floats:
        """The same of latency, for its stratum and length of the answer."""
        return self._usual(self.latency_s, self.completion_tokens, base)

    def _usual(self, times: Floats, sizes: Floats, base: Flags) -> Floats:
        """Who asks which model for how much differs from window to window: that must not pass for the platform's doing.

        Usual is a line over the size, fitted to the stratum's requests in `base` by least squares, and scaled so that
        the median of what is measured there is 1.
        """
        result = np.full(times.shape, np.nan)
        for stratum in np.unique(self.stratum):
            mine = (self.stratum == stratum) & (times > 0)
            chosen = mine & base
            if np.count_nonzero(chosen) < _FEWEST_OF_A_STRATUM:
                continue
            start, slope = _line(sizes[chosen], times[chosen])
            expected = start + slope * np.maximum(1.0, np.where(np.isnan(sizes), _median_of(sizes[chosen]), sizes))
            ratio = times[mine] / expected[mine]
            result[mine] = np.log(ratio / float(np.median(times[chosen] / expected[chosen])))
        return result


def known(values: Floats) -> Floats:
    """Those that are not NaN."""
    return values[~np.isnan(values)]


def _line(sizes: Floats, times: Floats) -> tuple[float, float]:
    """Start and slope of the time over the size; flat where sizes are unknown or alike, never falling or below 0."""
    told = ~np.isnan(sizes)
    x, y = sizes[told], times[told]
    middle = float(np.median(times))
    if x.size < _FEWEST_OF_A_STRATUM or float(np.ptp(x)) == 0:
        return middle, 0.0
    slope = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
    start = float(y.mean()) - slope * float(x.mean())
    if slope <= 0:
        return middle, 0.0
    if start + slope * float(x.min()) <= 0 or start < 0:
        return 0.0, float(np.dot(x, y) / np.dot(x, x))
    return start, slope


def _median_of(sizes: Floats) -> float:
    told = known(sizes)
    return float(np.median(told)) if told.size else 0.0
