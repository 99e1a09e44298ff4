"""Do the platform's clock and the nodes' clocks agree with ours?

Durations come from monotonic clocks and are none the worse for a wrong one. What suffers is joining records with the
platform's logs, and tokens and keys that expire. So a wrong clock is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from raysim.preflight.check import Check
from raysim.preflight.page import Page

#: more than this is worth knowing
_TOLERATED_S = 2.0
#: HTTP dates are whole seconds, cut off
_DATE_RESOLUTION_S = 1.0


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a clock is ahead of ours, and how far that may be wrong, both in seconds."""

    whose: str
    ahead_s: float
    error_s: float

    @property
    def surplus_s(self) -> float:
        """By how much the clocks differ at least."""
        return max(0.0, abs(self.ahead_s) - self.error_s)


def platform_offset(page: Page) -> Offset | None:
    """The platform's clock by a response's `Date`; None without one.

    The date stands for a second that the platform was in at some moment between question and answer: the offset is the
    difference of the two intervals' centres, and wrong by at most half of both together.
    """
    if not page.reached:
        return None
    try:
        date_s = parsedate_to_datetime(page.answer.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    ahead_s = date_s + _DATE_RESOLUTION_S / 2 - (page.before_s + page.after_s) / 2
    return Offset(page.request.base, ahead_s, (_DATE_RESOLUTION_S + max(0.0, page.after_s - page.before_s)) / 2)


def judge_platform_clock(pages: Iterable[Page]) -> Check:
    """The largest difference to a clock of the platform's, each told by its quickest answer."""
    best: dict[str, Offset] = {}
    for page in pages:
        offset = platform_offset(page)
        if offset and (offset.whose not in best or offset.error_s < best[offset.whose].error_s):
            best[offset.whose] = offset
    if not best:
        return Check("platform's clock", "skipped", "no answer carries a Date")
    return _judge("platform's clock", max(best.values(), key=_badness))


def judge_node_clocks(offsets: Mapping[str, float | None], error_s: float) -> Check:
    """The largest difference to a node's clock; `offsets` by node, in seconds ahead of ours, None where not known."""
    known = [Offset(node, ahead_s, error_s) for node, ahead_s in offsets.items() if ahead_s is not None]
    if not known:
        return Check("nodes' clocks", "skipped", "no node said what time it is")
    return _judge("nodes' clocks", max(known, key=_badness))


def _badness(offset: Offset) -> tuple[float, float]:
    return offset.surplus_s, abs(offset.ahead_s)


def _judge(name: str, offset: Offset) -> Check:
    way = "s ahead of us" if offset.ahead_s > 0 else "s behind us"
    if offset.surplus_s <= _TOLERATED_S:
        return Check(name, "passed", f"within {abs(offset.ahead_s) + offset.error_s:.1f} s of ours")
    found = f"{offset.whose} is {abs(offset.ahead_s):.0f} {way}"
    return Check(name, "passed", found, "set the clocks by NTP: logs will not match, tokens may expire early")
