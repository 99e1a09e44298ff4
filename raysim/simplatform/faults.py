"""Decides which request a fault strikes. Seeded; each kind of fault has random numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysim.core.rng import Stream

if TYPE_CHECKING:
    from raysim.simplatform.config import Faults


@dataclass(frozen=True, slots=True)
class InferenceFault:
    """What happens to one inference request.

    Args:
        delay_s: wait before it reaches a backend.
        error_status: answer with this status; 0 for none.
        reset: reset the connection instead of answering.
        cut_after: close the stream after this many tokens; 0 for never.
        burst: hold all tokens back until the end.
        extra_tokens: bill and state that many completion tokens more than were generated.
    """

    delay_s: float = 0.0
    error_status: int = 0
    reset: bool = False
    cut_after: int = 0
    burst: bool = False
    extra_tokens: int = 0


@dataclass(frozen=True, slots=True)
class BootstrapFault:
    """What happens to one call that creates something."""

    delay_s: float = 0.0
    error: bool = False
    never_answer: bool = False


class FaultDice:
    """Draws faults at the rates of the `faults` in force, which can be replaced at any time."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._streams = {
            name: Stream.of(seed, "fault", name)
            for name in (
                "latency",
                "error",
                "reset",
                "cut",
                "cut_at",
                "overbill",
                "bootstrap_error",
                "bootstrap_timeout",
            )
        }

    def inference(self, *, streamed: bool, tokens: int) -> InferenceFault:
        """What happens to a request whose answer has `tokens` tokens."""
        faults = self.faults
        cut = streamed and self._strikes("cut", faults.cut_stream_rate)
        return InferenceFault(
            delay_s=self._latency(),
            error_status=faults.error_status if self._strikes("error", faults.error_rate) else 0,
            reset=self._strikes("reset", faults.reset_rate),
            cut_after=self._streams["cut_at"].between(1, max(1, tokens - 1)) if cut else 0,
            burst=faults.burst,
            extra_tokens=faults.overbill_tokens if tokens and self._strikes("overbill", faults.overbill_rate) else 0,
        )

    def bootstrap(self) -> BootstrapFault:
        """What happens to a call that creates something."""
        faults = self.faults
        return BootstrapFault(
            delay_s=faults.bootstrap_delay,
            error=self._strikes("bootstrap_error", faults.bootstrap_error_rate),
            never_answer=self._strikes("bootstrap_timeout", faults.bootstrap_timeout_after_create_rate),
        )

    def _strikes(self, name: str, rate: float) -> bool:
        return rate > 0 and self._streams[name].random() < rate

    def _latency(self) -> float:
        latency = self.faults.latency
        spread = latency.jitter * (2 * self._streams["latency"].random() - 1) if latency.jitter else 0.0
        return max(0.0, latency.base + spread)
