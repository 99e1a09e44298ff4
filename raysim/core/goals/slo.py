"""The times within which a request is a good one (its service level objective)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slo:
    """A request is good when it succeeds and each of these times that it has is at most what is given, in seconds.

    None is no condition. A time that a request does not have (an embedding has no TTFT, an answer of one token no TPOT)
    is no condition for it.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    latency_s: float | None = None

    def conditions(self) -> dict[str, float]:
        """By name (`ttft`, `tpot`, `latency`), the conditions that are given."""
        given = {"ttft": self.ttft_s, "tpot": self.tpot_s, "latency": self.latency_s}
        return {name: limit for name, limit in given.items() if limit is not None}
