"""Thresholds and goodput in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raysim.report.numbers import UNKNOWN, count, digits, elapsed, seconds, share, usd

_STYLES = {"held": "green"}


def in_unit(value: float | None, unit: str) -> str:
    """A figure of a threshold with its unit."""
    if value is None:
        return UNKNOWN
    known = {"s": seconds, "share": share, "USD": usd, "count": count}
    return known[unit](value) if unit in known else f"{digits(value)}/s"


def threshold_style(verdict: str) -> str:
    """The colour of a threshold's verdict."""
    return _STYLES.get(verdict, "bold red")


def scope_text(scope: Mapping[str, Any]) -> str:
    """Which requests a threshold is about: `org org-1, from 30s to 1m00s`; `all` for the whole run."""
    parts = [f"{key} {scope[key]}" for key in ("model", "org", "phase", "backend") if key in scope]
    times = [f"{key} {elapsed(scope[f'{key}_s'])}" for key in ("from", "to") if f"{key}_s" in scope]
    return ", ".join([*parts, *([" ".join(times)] if times else [])]) or "all"


def goodput_text(goodput: Mapping[str, Any]) -> str:
    """The goodput of a run in a sentence."""
    slo = ", ".join(f"{key.removesuffix('_s')} {seconds(limit)}" for key, limit in goodput["slo"].items())
    if goodput["requests"] is None:
        return f"nothing to judge by {slo}"
    missed = ", ".join(f"{count(n)} {_missed(name)}" for name, n in goodput["misses"].items() if n)
    text = f"{share(goodput['requests'])} of requests and {share(goodput['tokens'])} of tokens within {slo}"
    if goodput["requests_per_s"] is not None:
        text += f"; {digits(goodput['requests_per_s'])} good requests/s"
    if goodput["unmeasured"]:
        text += f"; no answer had a {' or '.join(goodput['unmeasured'])} to judge"
    return text + (f" ({missed})" if missed else "")


def _missed(name: str) -> str:
    return "failed" if name == "failed" else f"over their {name}"
