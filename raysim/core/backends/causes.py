"""What holds a backend's requests up in one window, by each cause on its own.

Time to first token is made of the queue, the prompt's processing and the way through gateway and network; what follows
is made of the gaps between tokens. Each part is held against the time to first token (or the gap) of the same backend
unloaded: a cause *slows* by (unloaded + what it adds) / unloaded, as if it were the only one. So two causes at once are
two, and neither hides behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.backends.unloaded import Unloaded
from raysim.core.backends.windows import FEWEST_REQUESTS, Window

#: from which slowing on a cause counts. What a platform adds before a backend has no reason to grow; token gaps grow
#: with every batch, by design
QUEUE_FROM = PREFILL_FROM = DECODE_FROM = 1.5
GATEWAY_FROM = 1.25
#: held against what a stream could do in theory, which nobody has seen here
THEORY_FROM = 2.0
#: and what it must add at least, in seconds: to the first token, to each gap
LEAST_S = 0.05
LEAST_GAP_S = 0.005
#: the KV cache is full from here on at the latest
KV_FULL = 0.9
_KV_FULL_EARLIEST = 0.5
#: a request is prefill and little else when this share of its time in the backend, and so many seconds, are prefill
DOMINANT_SHARE = 0.5
DOMINANT_S = 1.0
#: preempted requests, as a share of those that ended
PREEMPTED_FROM = 0.02
#: the same requests are compared when both sides count about as many
_SAME_REQUESTS = 0.3
#: a first token leaves with a decode step, and may have to wait for the one before
_STEPS_TO_FIRST_TOKEN = 2.0
_FEWEST_LOOKS = 4
_STEADY_SHARE = 0.8


class Cause(StrEnum):
    """What may hold requests up."""

    QUEUEING = "queueing"
    KV_FULL = "kv_full"
    PREFILL = "prefill_bound"
    DECODE = "decode_bound"
    GATEWAY = "gateway_bound"
    CLIENT = "client_bound"


@dataclass(frozen=True, slots=True)
class Slowing:
    """A cause at work in a window: how many times longer it makes what it slows, and what it adds, in seconds."""

    cause: Cause
    factor: float
    added_s: float


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a backend there is.

    Args:
        capacity: sequences that it runs at the same time: as configured, else as seen; None when neither.
        request_tokens: KV cache that a large request needs.
    """

    capacity: float | None
    request_tokens: float | None

    @classmethod
    def of(cls, target: BackendTarget, windows: tuple[Window, ...], request_tokens: float | None) -> Room:
        """As the target says, or as its run shows: whoever lets requests wait and never runs more than N runs N."""
        if target.capacity:
            return cls(float(target.capacity), request_tokens)
        running = [look.running for window in windows for look in window.looks if look.waiting and look.running]
        most = max(running, default=0.0)
        steady = len(running) >= _FEWEST_LOOKS and running.count(most) >= _STEADY_SHARE * len(running)
        return cls(most if steady else None, request_tokens)

    def kv_full(self, look: BackendReading) -> bool:
        """Whether it is the KV cache that makes the requests of `look` wait."""
        usage = look.kv_cache_ratio
        if usage is None:
            return False
        if usage >= KV_FULL:
            return True
        if self.capacity is not None and look.running is not None and look.running >= self.capacity:
            return False
        if not self.request_tokens or not look.kv_cache_tokens:
            return False
        # not full by far, and yet the next large request does not fit
        return usage >= max(_KV_FULL_EARLIEST, 1.0 - self.request_tokens / look.kv_cache_tokens)


def slowings(window: Window, base: Unloaded, room: Room) -> list[Slowing]:
    """The causes that are at work in `window` of an engine."""
    found = [*_waits(window, base, room), _prefill(window, base), _decode(window, base), gateway(window, base)]
    return [slowing for slowing in found if slowing is not None]


def _waits(window: Window, base: Unloaded, room: Room) -> list[Slowing | None]:
    waits = [look for look in window.looks if look.waiting]
    full = sum(room.kv_full(look) for look in waits)
    preempted = window.preemptions / window.requests if window.requests else 0.0
    reference = _smaller(base.first_token_s, window.first_token_s)
    found: list[Slowing | None] = []
    if window.queue_s is not None and reference and window.queue_s >= LEAST_S and (waits or window.waiting is None):
        factor = (reference + window.queue_s) / reference
        if factor >= QUEUE_FROM:
            cause = Cause.KV_FULL if 2 * full > len(waits) else Cause.QUEUEING
            found.append(Slowing(cause, factor, window.queue_s))
    if preempted >= PREEMPTED_FROM and not any(f and f.cause is Cause.KV_FULL for f in found):
        # each loses what it had computed: a request is processed up to twice
        found.append(Slowing(Cause.KV_FULL, 1.0 + preempted, preempted * (window.e2e_s or 0.0)))
    return found


def _prefill(window: Window, base: Unloaded) -> Slowing | None:
    took_s, expected_s = window.prefill_s, base.first_token_for(window.prompt_tokens)
    if took_s is None:
        return None
    if expected_s:
        slower_steps_s = max(0.0, (window.itl_s or 0.0) - (base.itl_s or window.itl_s or 0.0))
        added_s = took_s - expected_s - _STEPS_TO_FIRST_TOKEN * slower_steps_s
        if added_s >= LEAST_S and expected_s + added_s >= PREFILL_FROM * expected_s:
            return Slowing(Cause.PREFILL, (expected_s + added_s) / expected_s, added_s)
    whole_s = window.e2e_s
    if whole_s and took_s >= DOMINANT_S and took_s >= DOMINANT_SHARE * whole_s:
        return Slowing(Cause.PREFILL, whole_s / max(whole_s - took_s, 1e-3 * whole_s), took_s)
    return None


def _decode(window: Window, base: Unloaded) -> Slowing | None:
    if not window.itl_s or not base.itl_s or window.itl_s - base.itl_s < LEAST_GAP_S:
        return None
    factor = window.itl_s / base.itl_s
    needed = THEORY_FROM if base.itl_from_theory else DECODE_FROM
    return Slowing(Cause.DECODE, factor, window.itl_s - base.itl_s) if factor >= needed else None


def gateway(window: Window, base: Unloaded) -> Slowing | None:
    """The way between user and backend: what users waited longer than the backend took, of the same requests."""
    client = window.client
    if client.ttft_s is not None and window.ttft_s is not None:
        pairs = (client.first_tokens, window.first_tokens, client.ttft_s, window.ttft_s)
    elif client.latency_s is not None and window.e2e_s is not None:
        pairs = (client.ends, window.ends, client.latency_s, window.e2e_s)
    else:
        return None
    ours, theirs, felt_s, took_s = pairs
    if ours < FEWEST_REQUESTS or abs(ours - theirs) > _SAME_REQUESTS * theirs:
        return None
    added_s = felt_s - took_s
    reference = _smaller(base.first_token_s, window.first_token_s) or took_s
    if added_s < LEAST_S or reference + added_s < GATEWAY_FROM * reference:
        return None
    return Slowing(Cause.GATEWAY, (reference + added_s) / reference, added_s)


def _smaller(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value]
    return min(known) if known else None
