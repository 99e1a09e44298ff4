"""A model server's engine in virtual time: queue, prefill, continuous batching. Events in, next-event times out.

The model, with every time in seconds:

* a sequence is admitted, first come first served, when a slot is free and its prompt and answer fit in the KV cache
* its prompt is processed beside the decoding of others (as with disaggregated or chunked prefill) and takes
  `prefill_base_s + prefill_per_token_s * prompt_tokens`; with `prefill_lanes`, so many prompts are processed at a time
  and the others wait for a lane, admitted and in the order of their admission
* decoding goes in steps; a step gives one token to every sequence that was ready when it began, and lasts
  `(step_base_s + step_per_sequence_s * batch) * slowdown`
* so time to first token = queue + prefill + the wait for a step to begin + that step

The schedule follows its own clock: asking late never moves an event, so lateness of the asker does not add up.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

_NEVER = math.inf


@dataclass(frozen=True, slots=True)
class EngineProfile:
    """How fast and how large one backend is."""

    slots: int
    max_queue: int
    kv_cache_tokens: int
    prefill_base_s: float
    prefill_per_token_s: float
    step_base_s: float
    step_per_sequence_s: float
    #: prompts that are processed at the same time; 0 for all of them
    prefill_lanes: int = 0


class Rejection(Exception):  # noqa: N818 - an answer of the engine, not a fault of the program
    """The engine does not take the sequence: its queue is full, or it could never fit."""


@dataclass(slots=True, eq=False)
class Sequence:
    """One request inside the engine.

    Args:
        prompt_tokens: length of the prompt.
        output_tokens: tokens that will be generated; 0 for an embedding, which ends with its prefill.
        weight: how many ordinary sequences it counts for in a step's duration.
        urgent: goes before every sequence that is not.
    """

    prompt_tokens: int
    output_tokens: int
    weight: int = 1
    urgent: bool = False
    emitted: int = 0
    submitted_at: float = 0.0
    admitted_at: float = _NEVER
    ready_at: float = _NEVER
    first_token_at: float = _NEVER
    finished_at: float = _NEVER
    cancelled: bool = False
    #: in the answer of the `advance` under way
    touched: bool = field(default=False, repr=False)

    @property
    def finished(self) -> bool:
        """Whether its last token, or its prefill when it has no tokens, is done."""
        return self.finished_at < _NEVER

    @property
    def reserved_tokens(self) -> int:
        """KV cache that it needs in the end."""
        return self.prompt_tokens + self.output_tokens


class Engine:
    """One backend. All times are on the caller's clock, which must not go backwards."""

    def __init__(self, profile: EngineProfile) -> None:
        self.profile = profile
        #: multiplies the duration of every step from the next one on
        self.slowdown = 1.0
        self.prompt_tokens_total = 0
        self.generated_tokens_total = 0
        self._queue: deque[Sequence] = deque()
        self._urgent: deque[Sequence] = deque()
        self._prefilling: list[tuple[float, int, Sequence]] = []
        self._order = count()
        self._lane_queue: deque[Sequence] = deque()
        self._batch: list[Sequence] = []
        self._joining: list[Sequence] = []
        self._step_ends = _NEVER
        self._running = 0
        self._reserved = 0
        self._held = 0

    @property
    def running(self) -> int:
        """Sequences admitted and not finished."""
        return self._running

    @property
    def waiting(self) -> int:
        """Sequences in the queue."""
        return len(self._urgent) + len(self._queue)

    @property
    def kv_cache_usage(self) -> float:
        """Share of the KV cache that holds prompts and generated tokens, 0 to 1."""
        return self._held / self.profile.kv_cache_tokens

    @property
    def kv_cache_reserved(self) -> float:
        """Share of the KV cache that nobody else can have, 0 to 1: what is held, and what will be in the end."""
        return self._reserved / self.profile.kv_cache_tokens

    @property
    def busy(self) -> bool:
        """Whether a prompt is being processed or a step is under way."""
        return self._running > 0

    def submit(self, sequence: Sequence, now: float) -> None:
        """Take `sequence` at time `now`.

        Raises:
            Rejection: the queue is full, or the sequence is larger than the KV cache.
        """
        if sequence.reserved_tokens > self.profile.kv_cache_tokens:
            raise Rejection("the request does not fit in the KV cache")
        if self.waiting >= self.profile.max_queue and (self.waiting or not self._fits(sequence)):
            raise Rejection("the queue is full")
        sequence.submitted_at = now
        (self._urgent if sequence.urgent else self._queue).append(sequence)
        self._admit(now)

    def cancel(self, sequence: Sequence, now: float) -> None:
        """Forget `sequence`; what it held is free at once. Does nothing when it has ended."""
        if sequence.cancelled or sequence.finished:
            return
        sequence.cancelled = True
        if sequence.admitted_at < _NEVER:
            self._release(sequence)
        else:
            (self._urgent if sequence.urgent else self._queue).remove(sequence)
        self._admit(now)

    def next_event(self) -> float | None:
        """When `advance` has something to do next; None while nothing is admitted."""
        upcoming = min(self._step_ends, self._prefilling[0][0] if self._prefilling else _NEVER)
        return upcoming if upcoming < _NEVER else None

    def advance(self, now: float) -> list[Sequence]:
        """Do everything due by `now`; every sequence that got tokens or finished, once, in a stable order."""
        touched: list[Sequence] = []
        while (upcoming := self.next_event()) is not None and upcoming <= now:
            if self._prefilling and self._prefilling[0][0] <= self._step_ends:
                self._end_prefill(heappop(self._prefilling)[2], upcoming, touched)
            else:
                self._end_step(upcoming, touched)
        for sequence in touched:
            sequence.touched = False
        return touched

    def _fits(self, sequence: Sequence) -> bool:
        return (
            self._running < self.profile.slots
            and self._reserved + sequence.reserved_tokens <= self.profile.kv_cache_tokens
        )

    def _admit(self, now: float) -> None:
        for queue in (self._urgent, self._queue):
            while queue and self._fits(queue[0]):
                self._start(queue.popleft(), now)
            if queue:
                return

    def _start(self, sequence: Sequence, now: float) -> None:
        self._running += 1
        self._reserved += sequence.reserved_tokens
        self._held += sequence.prompt_tokens
        self.prompt_tokens_total += sequence.prompt_tokens
        sequence.admitted_at = now
        lanes = self.profile.prefill_lanes
        if lanes and len(self._prefilling) >= lanes:
            self._lane_queue.append(sequence)
        else:
            self._begin_prefill(sequence, now)

    def _begin_prefill(self, sequence: Sequence, now: float) -> None:
        ready_at = now + self.profile.prefill_base_s + self.profile.prefill_per_token_s * sequence.prompt_tokens
        heappush(self._prefilling, (ready_at, next(self._order), sequence))

    def _next_in_lane(self, now: float) -> None:
        while self._lane_queue:
            sequence = self._lane_queue.popleft()
            if not sequence.cancelled:
                self._begin_prefill(sequence, now)
                return

    def _end_prefill(self, sequence: Sequence, at: float, touched: list[Sequence]) -> None:
        self._next_in_lane(at)
        if sequence.cancelled:
            return
        sequence.ready_at = at
        if sequence.output_tokens == 0:
            sequence.finished_at = at
            touched.append(sequence)
            self._release(sequence)
            self._admit(at)
            return
        self._joining.append(sequence)
        if self._step_ends == _NEVER:
            self._begin_step(at)

    def _begin_step(self, at: float) -> None:
        self._batch.extend(self._joining)
        self._joining.clear()
        self._batch = [s for s in self._batch if not (s.cancelled or s.finished)]
        if not self._batch:
            self._step_ends = _NEVER
            return
        load = sum(s.weight for s in self._batch)
        profile = self.profile
        self._step_ends = at + (profile.step_base_s + profile.step_per_sequence_s * load) * self.slowdown

    def _end_step(self, at: float, touched: list[Sequence]) -> None:
        ended = False
        for sequence in self._batch:
            if sequence.cancelled:
                continue
            sequence.emitted += 1
            self._held += 1
            self.generated_tokens_total += 1
            if sequence.emitted == 1:
                sequence.first_token_at = at
            if not sequence.touched:
                sequence.touched = True
                touched.append(sequence)
            if sequence.emitted >= sequence.output_tokens:
                sequence.finished_at = at
                self._release(sequence)
                ended = True
        if ended:
            self._admit(at)
        self._begin_step(at)

    def _release(self, sequence: Sequence) -> None:
        self._running -= 1
        self._reserved -= sequence.reserved_tokens
        self._held -= sequence.prompt_tokens + sequence.emitted
