"""A backend's run cut into windows, each with enough requests for a mean to mean something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raysim.core.backends.reading import BackendReading
from raysim.core.backends.trace import BackendTrace, ClientRequests, Floats

#: a window lasts at least this long and holds at least so many requests, unless it would last longer than that
SHORTEST_S = 5.0
FEWEST_REQUESTS = 10
LONGEST_S = 30.0


@dataclass(frozen=True, slots=True)
class ClientMeans:
    """What users felt of a window: how many first tokens and ends there were, and means in seconds."""

    first_tokens: int
    ttft_s: float | None
    ends: int
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """Means of a backend's requests over a stretch of time; None where it does not tell.

    Args:
        from_s: start, unix seconds.
        until_s: end.
        looks: the readings in it.
        requests: that ended in it, as the backend counts them, else as users do.
        queue_s: mean time in the queue; from the queue's length where there is no histogram (Little's law).
        prefill_s: mean time from leaving the queue to the first token.
        prompt_tokens: mean length of the prompts.
        ttft_s: mean time to first token as the backend sees it.
        first_tokens: over how many requests.
        itl_s: mean gap between tokens.
        gaps: over how many.
        e2e_s: mean time of a whole request in the backend.
        ends: over how many.
        preemptions: requests thrown out of the batch.
        client: the same stretch from the users' side.
    """

    from_s: float
    until_s: float
    looks: tuple[BackendReading, ...]
    requests: float
    queue_s: float | None
    prefill_s: float | None
    prompt_tokens: float | None
    ttft_s: float | None
    first_tokens: float
    itl_s: float | None
    gaps: float
    e2e_s: float | None
    ends: float
    preemptions: float
    client: ClientMeans

    @property
    def running(self) -> float | None:
        """Mean of the requests that it worked on."""
        return mean_of(self.looks, lambda look: look.running)

    @property
    def waiting(self) -> float | None:
        """Mean length of its queue."""
        return mean_of(self.looks, lambda look: look.waiting)

    @property
    def first_token_s(self) -> float | None:
        """Mean time to first token without the queue."""
        if self.prefill_s is not None:
            return self.prefill_s
        return None if self.ttft_s is None or self.queue_s is None else max(0.0, self.ttft_s - self.queue_s)


def cut(trace: BackendTrace, from_s: float, until_s: float) -> tuple[Window, ...]:
    """The windows of `trace` between two moments (unix seconds). The last one may be short of requests."""
    looks = [r for r in trace.readings if r.up and r.interval_s and from_s < r.time_unix_s <= until_s]
    windows: list[Window] = []
    taken: list[BackendReading] = []
    for look in looks:
        taken.append(look)
        window = _window(taken, trace.requests)
        lasted_s = window.until_s - window.from_s
        if lasted_s >= SHORTEST_S and (window.requests >= FEWEST_REQUESTS or lasted_s >= LONGEST_S):
            windows.append(window)
            taken = []
    if taken:
        windows.append(_window(taken, trace.requests))
    return tuple(windows)


def mean_of(looks: Sequence[BackendReading], value: Callable[[BackendReading], float | None]) -> float | None:
    """Mean over the looks that know the value; None when none does."""
    known = [v for look in looks if (v := value(look)) is not None]
    return sum(known) / len(known) if known else None


def _window(looks: Sequence[BackendReading], requests: ClientRequests) -> Window:
    until_s = looks[-1].time_unix_s
    from_s = looks[0].time_unix_s - (looks[0].interval_s or 0.0)
    client = _client(requests, from_s, until_s)
    ends = _total(looks, "e2e_count")
    counted = ends or _total(looks, "queue_count") or client.ends
    queue_s = _mean(looks, "queue_sum_s", "queue_count")
    waiting = mean_of(looks, lambda look: look.waiting)
    if queue_s is None and waiting is not None and client.ends and not _knows(looks, "queue_sum_s"):
        queue_s = waiting * (until_s - from_s) / client.ends
    prefill_s = _mean(looks, "prefill_sum_s", "prefill_count")
    if prefill_s is None and client.ends and not _knows(looks, "prefill_count") and _knows(looks, "prefill_sum_s"):
        prefill_s = _total(looks, "prefill_sum_s") / client.ends
    return Window(
        from_s=from_s,
        until_s=until_s,
        looks=tuple(looks),
        requests=counted,
        queue_s=queue_s,
        prefill_s=prefill_s,
        prompt_tokens=_mean(looks, "prompt_sum_tokens", "prompt_count"),
        ttft_s=_mean(looks, "ttft_sum_s", "ttft_count"),
        first_tokens=_total(looks, "ttft_count"),
        itl_s=_mean(looks, "itl_sum_s", "itl_count"),
        gaps=_total(looks, "itl_count"),
        e2e_s=_mean(looks, "e2e_sum_s", "e2e_count"),
        ends=ends,
        preemptions=_total(looks, "preemptions"),
        client=client,
    )


def _client(requests: ClientRequests, from_s: float, until_s: float) -> ClientMeans:
    first, ended = requests.first_token_unix_s, requests.end_unix_s
    begun = (first > from_s) & (first <= until_s)
    done = (ended > from_s) & (ended <= until_s)
    return ClientMeans(
        int(begun.sum()), _array_mean(requests.ttft_s[begun]), int(done.sum()), _array_mean(requests.latency_s[done])
    )


def _array_mean(values: Floats) -> float | None:
    return float(np.mean(values)) if values.size else None


def _knows(looks: Sequence[BackendReading], name: str) -> bool:
    return any(getattr(look, name) is not None for look in looks)


def _total(looks: Sequence[BackendReading], name: str) -> float:
    return float(sum(getattr(look, name) or 0.0 for look in looks))


def _mean(looks: Sequence[BackendReading], total: str, count: str) -> float | None:
    observed = _total(looks, count)
    return _total(looks, total) / observed if observed > 0 and _knows(looks, total) else None
