"""Bottlenecks as sentences that a reader can quote, with the numbers that they rest on."""

from __future__ import annotations

from raysim.core.backends.causes import Cause
from raysim.core.backends.findings import Evidence, Finding
from raysim.report.numbers import digits, elapsed, seconds, share

NAMES = {
    Cause.QUEUEING: "queueing",
    Cause.KV_FULL: "KV cache full",
    Cause.PREFILL: "prefill-bound",
    Cause.DECODE: "decode-bound",
    Cause.GATEWAY: "gateway-bound",
    Cause.CLIENT: "client-bound",
}
_MOST_NAMED = 3


def finding_sentence(finding: Finding, started_at: float) -> str:
    """What holds requests up, where, when, and by which numbers one sees it.

    Args:
        finding: the bottleneck.
        started_at: the run's second 0, unix seconds.
    """
    name = f"{NAMES[finding.cause]} ({finding.severity})"
    if finding.cause is Cause.CLIENT:
        return f"{name}: {'; '.join(finding.reasons)}"
    values = {evidence.what: evidence for evidence in finding.evidence}
    return (
        f"{name}, {_where(finding)}: {_STORIES[finding.cause](values)}; {_much(finding)}, {_when(finding, started_at)}"
    )


def nothing_found(read: int, of: int, *, configured: bool) -> str:
    """Why there are no findings."""
    if not configured:
        return "not looked for: no backend's metrics are read (targets.backends)"
    if not read:
        return "cannot say: none of the backends' metrics pages could be read"
    unread = f"; {of - read} could not be read" if of > read else ""
    return f"none found in {read} backend{'s' if read != 1 else ''}{unread}"


def _where(finding: Finding) -> str:
    named = finding.backends[:_MOST_NAMED]
    more = f" and {len(finding.backends) - len(named)} more" if len(finding.backends) > len(named) else ""
    before = "before" if finding.cause is Cause.GATEWAY else "on"
    return f"{before} {', '.join(named)}{more}"


def _when(finding: Finding, started_at: float) -> str:
    if finding.from_unix_s is None or finding.until_unix_s is None:
        return "all the time"
    start, end = max(0.0, finding.from_unix_s - started_at), finding.until_unix_s - started_at
    return f"from {elapsed(start)} to {elapsed(end)}, {share(finding.request_share)} of its requests"


def _much(finding: Finding) -> str:
    factor = digits(finding.slowdown)
    what = "gaps between tokens are" if finding.cause is Cause.DECODE else "by itself it makes the first token come"
    return f"{what} {factor} times {'as long' if finding.cause is Cause.DECODE else 'as late'} as unloaded"


def _queueing(values: dict[str, Evidence]) -> str:
    full = f", with {share(values['kv_cache'].value)} of the KV cache in use" if "kv_cache" in values else ""
    return f"requests wait {seconds(values['queue_time'].value)} in its queue{_line(values)}{full}"


def _kv_full(values: dict[str, Evidence]) -> str:
    parts = []
    if "kv_cache" in values:
        parts.append(f"{share(values['kv_cache'].value)} of the KV cache is in use")
    if "queue_time" in values:
        parts.append(f"requests wait {seconds(values['queue_time'].value)} for room{_line(values)}")
    if "preemptions" in values and values["preemptions"].value:
        parts.append(f"{digits(values['preemptions'].value)} were thrown out and begun anew")
    return ", ".join(parts)


def _line(values: dict[str, Evidence]) -> str:
    if "waiting" not in values:
        return ""
    running = f" behind {digits(values['running'].value)} that run" if "running" in values else ""
    return f" ({digits(values['waiting'].value)} at a time{running})"


def _prefill(values: dict[str, Evidence]) -> str:
    took = values["prefill_time"]
    length = f" for {digits(values['prompt_tokens'].value)} tokens" if "prompt_tokens" in values else ""
    against = "" if took.unloaded is None else f", {seconds(took.unloaded)} at its best"
    queue = f", {seconds(values['queue_time'].value)} of queue apart" if "queue_time" in values else ""
    return f"processing a prompt takes {seconds(took.value)}{length}{against}{queue}"


def _decode(values: dict[str, Evidence]) -> str:
    gap = values["inter_token_latency"]
    running = f" with {digits(values['running'].value)} requests at work" if "running" in values else ""
    return f"a token comes every {seconds(gap.value)}{running}, {seconds(gap.unloaded)} at its best"


def _gateway(values: dict[str, Evidence]) -> str:
    what = "time_to_first_token" if "client_time_to_first_token" in values else "latency"
    felt, took = values[f"client_{what}"].value, values[f"backend_{what}"].value
    name = "the first token" if what == "time_to_first_token" else "an answer"
    return f"users wait {seconds(felt)} for {name} that takes the backend {seconds(took)}"


_STORIES = {
    Cause.QUEUEING: _queueing,
    Cause.KV_FULL: _kv_full,
    Cause.PREFILL: _prefill,
    Cause.DECODE: _decode,
    Cause.GATEWAY: _gateway,
}
