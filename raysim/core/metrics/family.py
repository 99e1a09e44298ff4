"""A family of metrics: one name, and all the series of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: in front of every name
PREFIX = "loadtest_"
#: every label that a series of raysim's own may carry; `scenario`, `platform` and `version` are of `run_info` alone
LABELS = frozenset(
    {
        *("test_run", "org_id", "user_id", "worker_pod", "phase", "model", "backend", "endpoint", "status"),
        *("http_status", "error_type", "token_type", "reason", "prompt_bucket", "quantile", "le", "strategy", "gpu"),
        *("scenario", "platform", "version"),
    }
)


class Kind(StrEnum):
    """Types of metrics, as Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    SUMMARY = "summary"
    HISTOGRAM = "histogram"


class Group(StrEnum):
    """What a family is about; `metrics.capture` picks among these."""

    WORKER = "worker"
    USER = "user"
    RUN = "run"
    LLM = "llm"
    BACKEND = "backend"
    COST = "cost"
    QUESTION = "question"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Family:
    """What is to be known of a family before it has any value.

    Args:
        name: in full, prefix and unit included.
        kind: its type.
        group: what it is about.
        unit: of its values; empty for plain numbers.
        help: what a value means, in a sentence without its end; also the exposition's HELP.
        labels: names that its series carry, beside `le` or `quantile` and the scenario's own.
        absent: when it has no value, or NaN; empty when it always has.
        bounds: upper bounds of a histogram's buckets, `+Inf` left out.
        shares: quantiles of a summary, 0 to 1.
    """

    name: str
    kind: Kind
    group: Group
    unit: str
    help: str
    labels: tuple[str, ...]
    absent: str = ""
    bounds: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def per_user(self) -> bool:
        """Whether each user has series of its own."""
        return "user_id" in self.labels

    @property
    def exported_names(self) -> tuple[str, ...]:
        """The names that a query can ask for."""
        match self.kind:
            case Kind.HISTOGRAM:
                return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
            case Kind.SUMMARY:
                return (self.name, f"{self.name}_sum", f"{self.name}_count")
            case _:
                return (self.name,)

    def labels_of(self, exported: str) -> frozenset[str]:
        """The labels that series of one of `exported_names` carry."""
        match self.kind:
            case Kind.HISTOGRAM if exported.endswith("_bucket"):
                return frozenset((*self.labels, "le"))
            case Kind.SUMMARY if exported == self.name:
                return frozenset((*self.labels, "quantile"))
            case _:
                return frozenset(self.labels)

    @property
    def series_each(self) -> int:
        """How many series one combination of labels has."""
        match self.kind:
            case Kind.HISTOGRAM:
                return len(self.bounds) + 3
            case Kind.SUMMARY:
                return len(self.shares) + 2
            case _:
                return 1
