"""All that is known of one backend after a run: what it said of itself, and what those who asked it felt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClientRequests:
    """Requests that succeeded and were measured on time. Row i of every array is the same request; NaN is not known.

    Args:
        first_token_unix_s: when its first token arrived.
        end_unix_s: when its answer was complete.
        ttft_s: first token after sending.
        latency_s: end after sending.
        prompt_tokens: of the prompt.
        completion_tokens: of the answer.
    """

    first_token_unix_s: Floats
    end_unix_s: Floats
    ttft_s: Floats
    latency_s: Floats
    prompt_tokens: Floats
    completion_tokens: Floats

    @classmethod
    def none(cls) -> ClientRequests:
        """No requests."""
        return cls(*[np.empty(0)] * 6)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.end_unix_s.size


@dataclass(frozen=True, slots=True)
class BackendTrace:
    """One backend.

    Args:
        target: which.
        readings: of it, in the order of their times.
        requests: those that it answered.
        best_stream_tps: tokens per second that one stream reaches at best; None when not known.
    """

    target: BackendTarget
    readings: tuple[BackendReading, ...]
    requests: ClientRequests
    best_stream_tps: float | None = None
