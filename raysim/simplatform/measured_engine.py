"""An engine and what it measures of itself, as its metrics page shows it. Virtual time, like the engine's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from raysim.simplatform.engine import Engine, Sequence
from raysim.simplatform.histogram import Histogram

if TYPE_CHECKING:
    from raysim.simplatform.config import BackendConfig

_LATENCY_BOUNDS = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
    20.0,
    40.0,
)
_TOKEN_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_LENGTH_BOUNDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5)
_REQUEST_BOUNDS = (0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)


class Receiver(Protocol):
    """Who gets a sequence's tokens."""

    def deliver(self, sequence: Sequence) -> None:
        """`sequence.emitted` tokens are there, or the sequence has finished."""


def _latency() -> Histogram:
    return Histogram(_LATENCY_BOUNDS)


def _requests() -> Histogram:
    return Histogram(_REQUEST_BOUNDS)


@dataclass(slots=True)
class ModelTimings:
    """What a backend measured of one model's requests, in seconds."""

    prompt_tokens: int = 0
    generation_tokens: int = 0
    stopped: int = 0
    time_to_first_token: Histogram = field(default_factory=_latency)
    inter_token_latency: Histogram = field(default_factory=lambda: Histogram(_TOKEN_BOUNDS))
    e2e: Histogram = field(default_factory=_requests)
    queue: Histogram = field(default_factory=_requests)
    prefill: Histogram = field(default_factory=_requests)
    decode: Histogram = field(default_factory=_requests)
    prompt_lengths: Histogram = field(default_factory=lambda: Histogram(_LENGTH_BOUNDS))

    def observe(self, sequence: Sequence) -> None:
        """Take in a sequence that has finished."""
        self.prompt_tokens += sequence.prompt_tokens
        self.generation_tokens += sequence.emitted
        self.e2e.observe(sequence.finished_at - sequence.submitted_at)
        self.queue.observe(sequence.admitted_at - sequence.submitted_at)
        self.stopped += 1
        self.prompt_lengths.observe(sequence.prompt_tokens)
        # vLLM's prefill lasts until the first token, with the step that makes it
        ready_at = sequence.first_token_at if sequence.emitted else sequence.ready_at
        self.prefill.observe(ready_at - sequence.admitted_at)
        if sequence.emitted:
            decoding = sequence.finished_at - sequence.first_token_at
            self.decode.observe(decoding)
            if sequence.emitted > 1:
                gaps = sequence.emitted - 1
                self.inter_token_latency.observe(decoding / gaps, gaps)


class MeasuredEngine:
    """A model server without a clock: its engine, who gets the tokens, and what it measured."""

    def __init__(self, config: BackendConfig) -> None:
        self.id = config.id
        self.models = config.models
        self.gpus = config.gpus
        self.gpu_memory_mib = config.gpu_memory
        self.engine = Engine(config.profile)
        self.timings = {model: ModelTimings() for model in config.models}
        self._receivers: dict[Sequence, tuple[str, Receiver]] = {}
        #: those whose first token is in the histogram
        self._started: set[Sequence] = set()

    @property
    def load(self) -> float:
        """Running and waiting sequences, as a share of the slots."""
        return (self.engine.running + self.engine.waiting) / self.engine.profile.slots

    def counts(self, model: str) -> tuple[int, int]:
        """Requests of `model` that are (running, waiting)."""
        admitted = [s.admitted_at < math.inf for s, (name, _) in self._receivers.items() if name == model]
        return sum(admitted), len(admitted) - sum(admitted)

    def generated(self, model: str) -> int:
        """Tokens of `model` generated so far, those of requests under way too."""
        under_way = sum(s.emitted for s, (name, _) in self._receivers.items() if name == model)
        return self.timings[model].generation_tokens + under_way

    def take(self, model: str, sequence: Sequence, receiver: Receiver, now: float) -> None:
        """Generate `sequence` for `receiver`, from time `now` on.

        Raises:
            Rejection: the engine does not take it.
        """
        self.engine.submit(sequence, now)
        self._receivers[sequence] = (model, receiver)

    def drop(self, sequence: Sequence, now: float) -> bool:
        """Forget `sequence`, whose tokens so far are in the counters; whether it was there."""
        entry = self._receivers.pop(sequence, None)
        self._started.discard(sequence)
        if entry is None:
            return False
        self.engine.cancel(sequence, now)
        timings = self.timings[entry[0]]
        timings.prompt_tokens += sequence.prompt_tokens
        timings.generation_tokens += sequence.emitted
        return True

    def advance(self, now: float) -> None:
        """Do everything that is due by `now`, and pass tokens on."""
        for sequence in self.engine.advance(now):
            entry = self._receivers.get(sequence)
            if entry is None:
                continue
            timings = self.timings[entry[0]]
            if sequence.emitted and sequence not in self._started:
                self._started.add(sequence)
                timings.time_to_first_token.observe(sequence.first_token_at - sequence.submitted_at)
            if sequence.finished:
                del self._receivers[sequence]
                self._started.discard(sequence)
                timings.observe(sequence)
            entry[1].deliver(sequence)
