"""Numbers as people read them: three digits that matter, a unit, and a dash for what is not known."""

from __future__ import annotations

import math

#: stands for "not known" or "nothing to measure"
UNKNOWN = "-"

#: a scale's smallest number, what to multiply by, its unit
_SIZES = ((1e9, 1e-9, "GB"), (1e6, 1e-6, "MB"), (1e3, 1e-3, "kB"))
_TIMES = ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "us"))


def digits(value: float | None) -> str:
    """About three significant digits, thousands apart: `0.0421`, `4.21`, `42.1`, `421`, `4,211`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{value:,.0f}"
    decimals = min(6, 2 - math.floor(math.log10(size)))
    return f"{value:.{decimals}f}"


def seconds(value: float | None) -> str:
    """A measured time in the unit that suits it: `42.1 ms`, `4.21 s`."""
    if value is None:
        return UNKNOWN
    factor, unit = time_scale(value)
    return f"{digits(value * factor)} {unit}"


def time_scale(largest_s: float | None) -> tuple[float, str]:
    """What to multiply seconds by, and the unit, for numbers of which `largest_s` is the largest."""
    for smallest, factor, unit in _TIMES:
        if largest_s is not None and largest_s >= smallest:
            return factor, unit
    return 1e3, "ms"


def elapsed(value: float | None) -> str:
    """A time on the wall: `8.4s`, `42s`, `1m05s`, `2h03m`."""
    if value is None:
        return UNKNOWN
    if value < 9.95:  # noqa: PLR2004 - from here on tenths are noise
        return f"{value:.1f}s"
    total = round(value)
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def usd(value: float | None) -> str:
    """Dollars; cents from a dollar on, below that as many digits as show something."""
    if value is None:
        return UNKNOWN
    if value == 0 or abs(value) >= 1:
        return f"${value:,.2f}"
    return f"${value:.{min(8, 2 - math.floor(math.log10(abs(value))))}f}"


def share(value: float | None) -> str:
    """A share of 1 in percent: `0%`, `0.042%`, `4.2%`, `42.0%`, `100%`."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    if percent == 0 or percent >= 99.95:  # noqa: PLR2004 - rounds to 100
        return f"{percent:.0f}%"
    return f"{percent:.1f}%" if percent >= 0.1 else f"{percent:.2g}%"  # noqa: PLR2004 - one decimal would be 0


def size(value: float | None) -> str:
    """Bytes in the unit that suits them: `312 B`, `4.21 MB`."""
    if value is None:
        return UNKNOWN
    factor, unit = next(((f, u) for smallest, f, u in _SIZES if value >= smallest), (1.0, "B"))
    return f"{digits(value * factor)} {unit}"


def count(value: float | None) -> str:
    """A whole number, thousands apart."""
    return UNKNOWN if value is None else f"{value:,.0f}"
