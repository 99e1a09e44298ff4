"""Whether the load generator measured the platform, or itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from raysim.core.control.messages import PackHealth

#: share of requests measured while the event loop was late, above which the figures are in doubt, and void
SUSPECT_ABOVE = 0.01
INVALID_ABOVE = 0.05
#: a share is not called void while a generator at `SUSPECT_ABOVE` would show as many flags by chance this often
CHANCE = 0.05
#: so many flags at more than `INVALID_ABOVE` are never chance (it would be less than once in a million)
_MANY = 10


class Verdict(StrEnum):
    """How far a run's figures can be believed."""

    OK = "ok"
    SUSPECT = "suspect"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class GeneratorVerdict:
    """The verdict on the load generator, with a sentence for each reason when it is not `ok`.

    `flagged_share` is 0 to 1; None when nothing was measured.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    flagged_share: float | None


def judge_generator(measured: int, flagged: int, packs: Sequence[PackHealth] = ()) -> GeneratorVerdict:
    """The verdict on a run of which `flagged` of `measured` headline requests met a late event loop.

    Args:
        measured: requests in the headline.
        flagged: those of them during which an event loop was more than 10 ms late.
        packs: the health of the actors; the worst one is named in the reason.
    """
    if measured == 0:
        return GeneratorVerdict(Verdict.OK, (), None)
    share = flagged / measured
    if share <= SUSPECT_ABOVE:
        return GeneratorVerdict(Verdict.OK, (), share)
    chance = chance_of(flagged, measured)
    few = share > INVALID_ABOVE and chance > CHANCE
    void = share > INVALID_ABOVE and not few
    verdict, bound = (Verdict.INVALID, INVALID_ABOVE) if void else (Verdict.SUSPECT, SUSPECT_ABOVE)
    reason = (
        f"{flagged} of {measured} requests ({share:.1%}, {verdict} above {bound:.0%}) were measured while the load "
        "generator's event loop was more than 10 ms late"
    )
    if packs:
        worst = max(packs, key=lambda pack: pack.loop_lag_p99_ms)
        reason += f"; worst actor {worst.pack}: loop lag p99 {worst.loop_lag_p99_ms:.1f} ms, CPU {worst.cpu_ratio:.0%}"
    if few:
        reason += f"; too few requests to call them void: chance alone flags as many in {chance:.0%} of such samples"
    return GeneratorVerdict(verdict, (reason + "; use fewer users per actor or more nodes",), share)


def chance_of(flagged: int, measured: int) -> float:
    """How often at least `flagged` of `measured` requests are flagged where each is with probability `SUSPECT_ABOVE`.

    The upper tail of the binomial distribution, exact for few flags; 0 for many, which are only asked about at a share
    above `INVALID_ABOVE`.
    """
    if flagged >= _MANY:
        return 0.0
    p = SUSPECT_ABOVE
    fewer = (math.comb(measured, i) * p**i * (1 - p) ** (measured - i) for i in range(flagged))
    return max(0.0, 1.0 - math.fsum(fewer))
