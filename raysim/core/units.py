"""Quantities as people write them: durations in Go's style, Kubernetes memory and CPU quantities."""

from __future__ import annotations

import re
from decimal import Decimal

_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_PART = re.compile(rf"({_NUMBER})(h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"(?:(?:{_NUMBER})(?:h|ms|m|s|us|µs|ns))+")
_BARE = re.compile(rf"[+-]?(?:{_NUMBER})")
_NS_PER_S = 1_000_000_000

_MEMORY = re.compile(rf"({_NUMBER})([KMGTPE]i|[kMGTPE])?")
_BINARY = {f"{prefix}i": 1024 ** (power + 1) for power, prefix in enumerate("KMGTPE")}
_DECIMAL = {prefix: 1000 ** (power + 1) for power, prefix in enumerate("kMGTPE")}
_CPU = re.compile(rf"({_NUMBER})(m)?")

#: what a duration looks like, for JSON Schema
DURATION_PATTERN = r"^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(h|ms|m|s|us|µs|ns))+$"


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90s`, `2m`, `1h30m`, `500ms` or `1.5h`; `0` needs no unit.

    Raises:
        ValueError: no such duration; the message says what would be one.
    """
    compact = text.strip()
    if compact == "0":
        return 0.0
    if compact.startswith("-"):
        raise ValueError(f"found {text!r}; a duration cannot be negative")
    if _BARE.fullmatch(compact):
        raise ValueError(f"found {text!r} without a unit; write {compact}s for seconds or {compact}m for minutes")
    if not _DURATION.fullmatch(compact):
        raise ValueError(f"found {text!r}; expected a duration such as 90s, 2m, 1h30m or 500ms")
    return float(sum(Decimal(number) * _SECONDS[unit] for number, unit in _PART.findall(compact)))


def format_duration(seconds: float) -> str:
    """The shortest usual spelling of `seconds`, exact to a nanosecond: `1h30m`, `90s` as `1m30s`, `500ms`.

    Raises:
        ValueError: `seconds` is negative.
    """
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative: {seconds}")
    total = round(Decimal(seconds) * _NS_PER_S)
    if total == 0:
        return "0s"
    if total < _NS_PER_S:
        unit, size = next((u, s) for u, s in (("ms", 1_000_000), ("us", 1_000), ("ns", 1)) if total >= s)
        return f"{_plain(Decimal(total) / size)}{unit}"
    minutes, rest = divmod(total, 60 * _NS_PER_S)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    return text + (f"{_plain(Decimal(rest) / _NS_PER_S)}s" if rest else "")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_memory(text: str) -> int:
    """Bytes of a Kubernetes memory quantity such as `512Mi`, `1Gi`, `500M` or `1048576`.

    Raises:
        ValueError: no such quantity.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"found {text!r}; expected an amount of memory such as 512Mi, 1Gi or 500M")
    number, suffix = match.groups()
    factor = 1 if suffix is None else (_BINARY | _DECIMAL)[suffix]
    return int(Decimal(number) * factor)


def parse_cpu(text: str) -> float:
    """Cores of a Kubernetes CPU quantity: `500m` is 0.5, `2` is 2.0.

    Raises:
        ValueError: no such quantity.
    """
    match = _CPU.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"found {text!r}; expected an amount of CPU such as 500m or 2")
    number, milli = match.groups()
    return float(Decimal(number) / (1000 if milli else 1))
