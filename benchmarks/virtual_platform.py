"""Users and backends in virtual time, joined only by what a real run has: metrics pages, and users' own clocks."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from raysim.core.backends.history import BackendHistory
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.backends.trace import BackendTrace, ClientRequests
from raysim.core.pricing import KNOWN_PRICES
from raysim.core.rng import Stream
from raysim.simplatform.config import BackendConfig
from raysim.simplatform.engine import Sequence
from raysim.simplatform.exposition import render
from raysim.simplatform.measured_engine import MeasuredEngine

MODEL = "gpt-4o"
_LOOK_S = 2.0
#: on the way back from the gateway to the user, and on the way there when the gateway is well
_NETWORK_S = (0.001, 0.004)


@dataclass(frozen=True)
class Load:
    """What users do: so many of them after a linear ramp, for so long; they think, ask, and wait for the answer."""

    users: int = 24
    ramp_s: float = 20.0
    lasts_s: float = 90.0
    think_s: float = 1.0
    prompt_tokens: tuple[int, int] = (100, 600)
    output_tokens: tuple[int, int] = (40, 120)
    gateway_s: float = 0.0


@dataclass
class Truth:
    """What really happened to the requests sent under full load, in seconds; only the simulation knows it."""

    queue: list[float] = field(default_factory=list)
    prefill: list[float] = field(default_factory=list)
    prefill_alone: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def mean(self, name: str) -> float:
        """The mean of one of the lists; 0 when it is empty."""
        values = getattr(self, name)
        return sum(values) / len(values) if values else 0.0


@dataclass
class _Asked:
    """One request, from its user's side; takes the tokens."""

    platform: VirtualPlatform
    backend: int
    sequence: Sequence
    sent_s: float
    back_s: float

    def deliver(self, sequence: Sequence) -> None:
        if sequence.finished:
            self.platform.answered(self)


class VirtualPlatform:
    """A run.

    Args:
        backends: the model servers.
        load: what users do.
        seed: decides prompts, answers, pauses.
    """

    def __init__(self, backends: tuple[BackendConfig, ...], load: Load, seed: int) -> None:
        self._load = load
        self._engines = [MeasuredEngine(config) for config in backends]
        self._targets = [BackendTarget(b.id, f"http://{b.id}/metrics", "vllm") for b in backends]
        self._histories = [BackendHistory(target) for target in self._targets]
        self._readings: list[list[BackendReading]] = [[] for _ in backends]
        self._rows: list[list[tuple[float, ...]]] = [[] for _ in backends]
        self._random = Stream.of(seed, "findings")
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._turns = itertools.cycle(range(len(backends)))
        self.truth = [Truth() for _ in backends]

    def run(self) -> tuple[BackendTrace, ...]:
        """Everything up to the end of the load."""
        load = self._load
        for user in range(load.users):
            self._at(load.ramp_s * user / load.users, self._ask)
        for look in range(int(load.lasts_s / _LOOK_S) + 1):
            self._at(look * _LOOK_S, self._look)
        while self._queue:
            due = [(at, engine) for engine in self._engines if (at := engine.engine.next_event()) is not None]
            at, engine = min(due, key=lambda pair: pair[0], default=(float("inf"), None))
            if engine is not None and at <= self._queue[0][0]:
                self._now = max(self._now, at)
                engine.advance(at)
                continue
            self._now, _, event = heapq.heappop(self._queue)
            if self._now > load.lasts_s:
                break
            event()
        return tuple(
            BackendTrace(target, tuple(readings), _requests(rows), KNOWN_PRICES[MODEL].theoretical_tps)
            for target, readings, rows in zip(self._targets, self._readings, self._rows, strict=True)
        )

    def _ask(self) -> None:
        load, sent_s = self._load, self._now
        there_s = load.gateway_s * self._uniform(0.8, 1.2) + self._uniform(*_NETWORK_S)
        sequence = Sequence(round(self._uniform(*load.prompt_tokens)), round(self._uniform(*load.output_tokens)))

        def arrive() -> None:
            backend = next(self._turns)
            asked = _Asked(self, backend, sequence, sent_s, self._uniform(*_NETWORK_S))
            self._engines[backend].take(MODEL, sequence, asked, self._now)

        self._at(sent_s + there_s, arrive)

    def answered(self, asked: _Asked) -> None:
        """The last token has left the backend."""
        s, load = asked.sequence, self._load
        first_s, end_s = s.first_token_at + asked.back_s, s.finished_at + asked.back_s
        self._rows[asked.backend].append(
            (first_s, end_s, first_s - asked.sent_s, end_s - asked.sent_s, s.prompt_tokens, s.output_tokens)
        )
        if asked.sent_s > load.ramp_s:
            truth, profile = self.truth[asked.backend], self._engines[asked.backend].engine.profile
            truth.queue.append(s.admitted_at - s.submitted_at)
            truth.prefill.append(s.ready_at - s.admitted_at)
            truth.prefill_alone.append(profile.prefill_base_s + profile.prefill_per_token_s * s.prompt_tokens)
            truth.gaps.append((s.finished_at - s.first_token_at) / max(1, s.output_tokens - 1))
        self._at(end_s + load.think_s * self._uniform(0.5, 1.5), self._ask)

    def _look(self) -> None:
        for engine, history, readings in zip(self._engines, self._histories, self._readings, strict=True):
            engine.advance(self._now)
            text = render([engine], None).decode()
            readings.extend(history.read(text, unix_s=self._now, at_s=self._now, took_s=0.0))

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def _at(self, at_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), event))


def _requests(rows: list[tuple[float, ...]]) -> ClientRequests:
    return ClientRequests(*np.array(rows, dtype=np.float64).reshape(-1, 6).T)
