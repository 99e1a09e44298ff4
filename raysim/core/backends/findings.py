"""Bottlenecks of a run, each with its severity and the numbers that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raysim.core.aggregation.verdict import GeneratorVerdict, Verdict
from raysim.core.backends.causes import Cause, Room, Slowing, gateway, slowings
from raysim.core.backends.trace import BackendTrace, ClientRequests
from raysim.core.backends.unloaded import Unloaded, unloaded
from raysim.core.backends.vocabulary import VOCABULARIES
from raysim.core.backends.windows import FEWEST_REQUESTS, Window, cut, mean_of

Severity = Literal["minor", "major", "critical"]

#: from which slowing on a bottleneck is more than minor
MAJOR_FROM = 2.5
CRITICAL_FROM = 5.0
#: a cause is a finding when it was at work in so many windows with this share of the requests, or for long at a stretch
_LEAST_WINDOWS = 2
_LEAST_SHARE = 0.1
_LONG_STRETCH = 3
#: what a request needs of the KV cache, so that nine of ten need less
_LARGE_REQUEST = 0.9


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number that a finding rests on. `unloaded` is the same of a light hour, None when there is none."""

    what: str
    value: float
    unit: str
    unloaded: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A bottleneck.

    Args:
        cause: what it is.
        severity: how bad it is.
        slowdown: how many times longer it makes the time to first token (or the gap between tokens), as if it were the
            only cause; None where that cannot be said.
        backends: where.
        from_unix_s: when it was first at work; None for the whole run.
        until_unix_s: when it last was.
        request_share: share of the requests, 0 to 1, that were answered while it was at work.
        evidence: the numbers.
        reasons: sentences that come with it.
    """

    cause: Cause
    severity: Severity
    slowdown: float | None
    backends: tuple[str, ...]
    from_unix_s: float | None
    until_unix_s: float | None
    request_share: float
    evidence: tuple[Evidence, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, worst first; and for which backends there was no light window to hold the others against."""

    findings: tuple[Finding, ...]
    without_baseline: tuple[str, ...]


def diagnose(traces: Sequence[BackendTrace], from_s: float, until_s: float, generator: GeneratorVerdict) -> Diagnosis:
    """The bottlenecks of a run.

    Args:
        traces: its backends.
        from_s: the load's start, unix seconds.
        until_s: the load's end.
        generator: the verdict on the load generator.
    """
    engines: list[Finding] = []
    ways: list[Finding] = []
    lacking: list[str] = []
    for trace in traces:
        role = VOCABULARIES[trace.target.kind].role
        if role == "gpu":
            continue
        windows = cut(trace, from_s, until_s)
        base = unloaded(windows, trace.best_stream_tps)
        room = Room.of(trace.target, windows, _large_request(trace.requests))
        judged = [(w, _at_work(w, base, room, engine=role == "engine")) for w in windows]
        found = [f for cause in Cause if (f := _finding(cause, judged, trace, base))]
        ways += [f for f in found if f.cause is Cause.GATEWAY]
        engines += [f for f in found if f.cause is not Cause.GATEWAY]
        if role == "engine" and windows and (base.first_token_s is None or base.itl_s is None or base.itl_from_theory):
            lacking.append(trace.target.id)
    findings = [*engines, *_one_way(ways), *_client(generator)]
    order = {"critical": 0, "major": 1, "minor": 2}
    return Diagnosis(tuple(sorted(findings, key=lambda f: (order[f.severity], -(f.slowdown or 0.0)))), tuple(lacking))


def severity_of(slowdown: float) -> Severity:
    """How bad it is that something takes `slowdown` times as long."""
    return "critical" if slowdown >= CRITICAL_FROM else "major" if slowdown >= MAJOR_FROM else "minor"


def _at_work(window: Window, base: Unloaded, room: Room, *, engine: bool) -> dict[Cause, Slowing]:
    if window.requests < FEWEST_REQUESTS / 2:
        return {}
    if engine:
        return {slowing.cause: slowing for slowing in slowings(window, base, room)}
    way = gateway(window, base)
    return {} if way is None else {Cause.GATEWAY: way}


def _finding(
    cause: Cause, judged: Sequence[tuple[Window, dict[Cause, Slowing]]], trace: BackendTrace, base: Unloaded
) -> Finding | None:
    hit = [cause in found for _, found in judged]
    windows = [window for window, found in judged if cause in found]
    total = sum(window.requests for window, _ in judged)
    share = sum(window.requests for window in windows) / total if total else 0.0
    if _longest(hit) < _LONG_STRETCH and not (len(windows) >= _LEAST_WINDOWS and share >= _LEAST_SHARE):
        return None
    weights = np.array([window.requests for window in windows])
    factors = np.array([found[cause].factor for _, found in judged if cause in found])
    slowdown = float(np.average(factors, weights=weights))
    return Finding(
        cause=cause,
        severity=severity_of(slowdown),
        slowdown=slowdown,
        backends=(trace.target.id,),
        from_unix_s=windows[0].from_s,
        until_unix_s=windows[-1].until_s,
        request_share=share,
        evidence=tuple(_evidence(cause, windows, base)),
    )


def _longest(hit: Iterable[bool]) -> int:
    longest = here = 0
    for each in hit:
        here = here + 1 if each else 0
        longest = max(longest, here)
    return longest


def _evidence(cause: Cause, windows: Sequence[Window], base: Unloaded) -> Iterable[Evidence]:
    """The numbers of a cause, over the windows in which it was at work; requests count alike in the means."""
    looks = [look for window in windows for look in window.looks]

    def shown(what: str, unit: str, value: float | None, against: float | None = None) -> Iterable[Evidence]:
        if value is not None:
            yield Evidence(what, value, unit, against)

    def over(name: str) -> float | None:
        known = [(v, w.requests) for w in windows if (v := getattr(w, name)) is not None]
        weight = sum(requests for _, requests in known)
        return sum(v * requests for v, requests in known) / weight if weight else None

    if cause in (Cause.QUEUEING, Cause.KV_FULL):
        yield from shown("waiting", "requests", mean_of(looks, lambda look: look.waiting))
        yield from shown("queue_time", "s", over("queue_s"))
        yield from shown("kv_cache", "ratio", mean_of(looks, lambda look: look.kv_cache_ratio))
    if cause is Cause.KV_FULL:
        yield from shown("preemptions", "requests", sum(window.preemptions for window in windows))
    if cause in (Cause.QUEUEING, Cause.KV_FULL, Cause.PREFILL):
        yield from shown("prefill_time", "s", over("prefill_s"), base.first_token_s)
    if cause is Cause.PREFILL:
        yield from shown("prompt_tokens", "tokens", over("prompt_tokens"), base.prompt_tokens)
        yield from shown("queue_time", "s", over("queue_s"))
    if cause is Cause.DECODE:
        yield from shown("inter_token_latency", "s", over("itl_s"), base.itl_s)
    if cause is Cause.GATEWAY:
        yield from _way(windows)
    else:
        yield from shown("running", "requests", over("running"), base.running)


def _way(windows: Sequence[Window]) -> Iterable[Evidence]:
    streamed = [w for w in windows if w.client.ttft_s is not None and w.ttft_s is not None]
    if streamed:
        felt, took, what = [w.client.ttft_s for w in streamed], [w.ttft_s for w in streamed], "time_to_first_token"
    else:
        felt, took, what = [w.client.latency_s for w in windows], [w.e2e_s for w in windows], "latency"
    for side, values in (("client", felt), ("backend", took)):
        known = [value for value in values if value is not None]
        yield Evidence(f"{side}_{what}", float(np.mean(known)), "s")


def _one_way(findings: Sequence[Finding]) -> Iterable[Finding]:
    """The way to all backends is one: what is seen of it at several is said once, with the worst one's numbers."""
    if not findings:
        return
    worst = max(findings, key=lambda f: f.slowdown or 0.0)
    starts = [f.from_unix_s for f in findings if f.from_unix_s is not None]
    ends = [f.until_unix_s for f in findings if f.until_unix_s is not None]
    yield Finding(
        cause=Cause.GATEWAY,
        severity=worst.severity,
        slowdown=worst.slowdown,
        backends=tuple(name for f in findings for name in f.backends),
        from_unix_s=min(starts, default=None),
        until_unix_s=max(ends, default=None),
        request_share=worst.request_share,
        evidence=worst.evidence,
    )


def _client(generator: GeneratorVerdict) -> Iterable[Finding]:
    if generator.verdict is Verdict.OK:
        return
    invalid = generator.verdict is Verdict.INVALID
    share = generator.flagged_share or 0.0
    yield Finding(
        cause=Cause.CLIENT,
        severity="critical" if invalid else "minor",
        slowdown=None,
        backends=(),
        from_unix_s=None,
        until_unix_s=None,
        request_share=share,
        evidence=(Evidence("flagged_requests", share, "ratio"),),
        reasons=generator.reasons,
    )


def _large_request(requests: ClientRequests) -> float | None:
    sizes = requests.prompt_tokens + requests.completion_tokens
    known = sizes[~np.isnan(sizes)]
    return float(np.quantile(known, _LARGE_REQUEST)) if known.size else None
