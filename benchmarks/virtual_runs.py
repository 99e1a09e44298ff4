"""Runs in virtual time: users in a closed loop on the simulated platform's own engine model, a few hundred a minute.

What is simulated: users think (lognormal, median `think_s`), ask (prompt and answer lengths lognormal, so that a few
are very long), read their stream and think again. Each backend is a `raysim.simplatform.engine.Engine`: queue, prefill,
continuous batching, so that requests wait for each other and a request's time depends on who else is there. Besides,
each backend drifts: its steps are slowed by exp(x), x an autoregressive process with the standard deviation `drift` and
the correlation time `drift_s`, as neighbours on shared hardware would do it. Requests fail with `error_rate`, half of
them in fits of two seconds. Chunks hold `tokens_per_chunk` tokens. What is not: the network, HTTP, the generator's own
lateness, and anything that differs from one run to the next as a whole.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, pairwise

import numpy as np

from raysim.core.comparison.sample import Gaps, RunSample
from raysim.simplatform.engine import Engine, EngineProfile, Sequence

INPUT_USD, OUTPUT_USD = 0.15, 0.60


@dataclass(frozen=True)
class World:
    """What is the same in both runs of a pair. Times in seconds."""

    users: int = 24
    seconds: float = 120.0
    warmup_s: float = 10.0
    think_s: float = 1.0
    think_sigma: float = 0.6
    prompt_tokens: float = 200.0
    prompt_sigma: float = 0.7
    output_tokens: float = 40.0
    output_sigma: float = 0.5
    #: how many times slower each backend is than the first
    backends: tuple[float, ...] = (1.0,)
    #: each user stays with one backend, whichever it got in this run
    sticky: bool = False
    drift: float = 0.05
    drift_s: float = 10.0
    error_rate: float = 0.01
    tokens_per_chunk: int = 1
    slots: int = 16


@dataclass
class _Asked:
    """A request under way."""

    number: int
    user: int
    engine: int
    due: float
    prompt: int
    output: int
    sequence: Sequence
    late_s: float = 0.0


def play(world: World, seed: int, *, slower_ttft: float = 0.0, more_errors: float = 0.0) -> RunSample:
    """One run. `slower_ttft` of 0.1: a gateway withholds each answer for a tenth of its time to the first token."""
    return _Play(world, seed, slower_ttft, more_errors).run()


class _Play:
    def __init__(self, world: World, seed: int, slower_ttft: float, more_errors: float) -> None:
        self._world = world
        self._slower = slower_ttft
        self._error_rate = world.error_rate + more_errors
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._engines = [
            Engine(EngineProfile(world.slots, 10_000, 400_000, 0.03 * slow, 0.0004 * slow, 0.008 * slow, 0.0004 * slow))
            for slow in world.backends
        ]
        self._home = self._random.integers(0, len(self._engines), world.users)
        self._drifts = [self._drift() for _ in self._engines]
        self._events: list[tuple[float, int, int]] = []
        self._order = count()
        self._under_way: dict[int, _Asked] = {}
        self._rows: dict[str, list[float]] = defaultdict(list)
        self._gaps: list[tuple[int, float, float]] = []
        self._steps: dict[int, list[float]] = defaultdict(list)

    def run(self) -> RunSample:
        world = self._world
        for user in range(world.users):
            self._think(user, 0.0, float(self._random.random()))
        end = world.warmup_s + world.seconds
        while True:
            due = self._events[0][0] if self._events else math.inf
            steps = [engine.next_event() for engine in self._engines]
            step = min((at for at in steps if at is not None), default=math.inf)
            if min(due, step) == math.inf:
                break
            if step <= due:
                self._advance(steps.index(step), step)
                continue
            at, _, user = heappop(self._events)
            if at < end:
                self._ask(user, at)
        return self._sample()

    def _drift(self) -> np.ndarray:
        world = self._world
        length = int(world.warmup_s + world.seconds) * 2 + 600
        kept = math.exp(-0.5 / world.drift_s)
        noise = self._random.standard_normal(length) * math.sqrt(1 - kept * kept)
        path = np.empty(length)
        path[0] = self._random.standard_normal()
        for index in range(1, length):
            path[index] = kept * path[index - 1] + noise[index]
        return np.exp(world.drift * path)

    def _think(self, user: int, now: float, part: float = 1.0) -> None:
        pause = self._world.think_s * math.exp(self._world.think_sigma * self._random.standard_normal())
        heappush(self._events, (now + part * pause, next(self._order), user))

    def _ask(self, user: int, now: float) -> None:
        world, random = self._world, self._random
        engine = int(self._home[user]) if world.sticky else int(random.integers(0, len(self._engines)))
        # half of the errors come in fits: two seconds in every twenty
        fit = now % 20.0 < 2.0
        if random.random() < self._error_rate * (5.0 if fit else 0.55):
            self._row(user, now, failed=True)
            self._think(user, now + 0.05)
            return
        prompt = 10 + int(world.prompt_tokens * math.exp(world.prompt_sigma * random.standard_normal()))
        output = min(400, 2 + int(world.output_tokens * math.exp(world.output_sigma * random.standard_normal())))
        sequence = Sequence(prompt, output)
        drift = self._drifts[engine]
        self._engines[engine].slowdown = float(drift[min(drift.size - 1, int(now * 2))])
        self._engines[engine].submit(sequence, now)
        self._under_way[id(sequence)] = _Asked(next(self._order), user, engine, now, prompt, output, sequence)

    def _advance(self, number: int, now: float) -> None:
        for sequence in self._engines[number].advance(now):
            asked = self._under_way[id(sequence)]
            if sequence.emitted == 1:
                asked.late_s = self._slower * (now - asked.due)
            self._steps[id(sequence)].append(now + asked.late_s)
            if sequence.finished:
                del self._under_way[id(sequence)]
                self._answered(asked, self._steps.pop(id(sequence)))

    def _answered(self, asked: _Asked, tokens: list[float]) -> None:
        world = self._world
        end = tokens[-1]
        row = self._row(asked.user, asked.due, failed=False, ttft=tokens[0] - asked.due, latency=end - asked.due,
                        tpot=(end - tokens[0]) / (asked.output - 1), tps=asked.output / (end - asked.due),
                        prompt=asked.prompt, output=asked.output)  # fmt: skip
        if row is not None:
            chunks = tokens[:: world.tokens_per_chunk]
            weight = (asked.output - 1) / max(1, len(chunks) - 1)
            self._gaps += [(row, (b - a) / weight, weight) for a, b in pairwise(chunks)]
        self._think(asked.user, end)

    def _row(self, user: int, due: float, *, failed: bool, **values: float) -> int | None:
        at = due - self._world.warmup_s
        if not 0.0 <= at < self._world.seconds:
            return None
        row = {"at": at, "user": user, "failed": failed, **values}
        for name in ("at", "user", "failed", "ttft", "latency", "tpot", "tps", "prompt", "output"):
            self._rows[name].append(float(row.get(name, math.nan)))
        return len(self._rows["at"]) - 1

    def _sample(self) -> RunSample:
        rows = {name: np.array(values) for name, values in self._rows.items()}
        order = np.argsort(rows["at"], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        rows = {name: values[order] for name, values in rows.items()}
        gaps = np.array(self._gaps, dtype=np.float64).reshape(-1, 3)
        failed = rows["failed"] > 0
        prompt, output = np.nan_to_num(rows["prompt"]), np.nan_to_num(rows["output"])
        return RunSample(
            over_s=self._world.seconds,
            at_s=rows["at"],
            user=rows["user"].astype(np.int64),
            users=tuple(f"user-{number}" for number in range(self._world.users)),
            values={name: rows[name] for name in ("ttft", "latency", "tpot", "tps")},
            success=~failed,
            failed=failed,
            tokens=prompt + output,
            completion_tokens=output,
            cost_usd=(prompt * INPUT_USD + output * OUTPUT_USD) / 1e6,
            flagged=np.zeros(failed.size, dtype=np.bool_),
            gaps=Gaps(gaps[:, 1], gaps[:, 2], place[gaps[:, 0].astype(np.int64)]),
        )
