"""How each figure differs between two runs, how sure that is, and a verdict on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from raysim.core.comparison.dependence import exceeded, student_quantile, variance_inflation
from raysim.core.comparison.effect import cliffs_delta
from raysim.core.comparison.family import critical_values, standard_errors
from raysim.core.comparison.figure import Figure, Interval, Reading
from raysim.core.comparison.kinds import same_kinds, within_kinds
from raysim.core.comparison.metric import Metric, Unit
from raysim.core.comparison.sample import Floats, RunSample

#: the error that is allowed in a whole family of figures
MISS = 0.05
#: fewer requests in a block of time are too few to stand for it; fewer blocks cannot tell how much they differ
FEWEST_IN_A_BLOCK = 10
FEWEST_BLOCKS = 10
MOST_BLOCKS = 30
#: fewer users cannot tell how much users differ
FEWEST_USERS = 6
#: waves leave at least so many degrees of freedom; with fewer every interval would be endless
_LEAST_FREEDOM = 2.0
#: a test with this chance of finding a change is said to find it
POWER_Z = 0.8416
#: the change that is said to be worth finding: 10 %, or one percentage point
WORTH_FINDING = 0.10
WORTH_FINDING_SHARE = 0.01


class Verdict(StrEnum):
    """What a run's figure is, compared with the baseline's."""

    BETTER = "better"
    WORSE = "worse"
    NO_EVIDENCE = "no_evidence"


@dataclass(frozen=True, slots=True)
class Change:
    """How one figure differs. None means "not measured", or for intervals "too little to tell".

    `counts` are the values that each run's figure is of, `requests` how many the smaller run has. `relative` is the
    run's figure over the baseline's less 1, None for shares; `difference` is in the figure's unit.
    `sure` and `sure_difference` hold for all figures of the family at once with 95 % confidence; the verdict follows
    from them. `ci95` holds for this figure alone. `effect` is Cliff's delta, -1 to 1: how much more often a request of
    the run has the larger value than the smaller one. `detectable` is the change that would be found in four cases of
    five; `needed`, how many requests of each run would do for one of 10 %, or one percentage point.
    """

    metric: Metric
    baseline: float | None
    run: float | None
    counts: tuple[int, int]
    requests: int = 0
    verdict: Verdict = Verdict.NO_EVIDENCE
    relative: float | None = None
    difference: float | None = None
    sure: Interval | None = None
    sure_difference: Interval | None = None
    ci95: Interval | None = None
    effect: float | None = None
    detectable: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """What two runs have in common, so that it cancels out of their difference.

    `time`: the same phases, so that the same moments can be compared; `users`: the same users with the same questions.
    """

    time: bool
    users: bool


def compare(
    baseline: RunSample, run: RunSample, metrics: Sequence[Metric], matching: Matching, miss: float = MISS
) -> tuple[Change, ...]:
    """How each of `metrics` differs, in their order; those that neither run has are left out.

    A change is called better or worse when it is so beyond chance, whichever way chance is counted: by stretches of
    time (cut coarsely and finely, as slow waves are as long as they are) and by users. All verdicts are right together
    with a probability of 1 - `miss` when nothing has changed.
    """
    blocks = _blocks(baseline, run)
    readings = Reading(baseline, blocks), Reading(run, blocks)
    pairs = [(metric, readings[0].figure(metric), readings[1].figure(metric)) for metric in metrics]
    known = [(one, other) for _, one, other in pairs if one is not None and other is not None]
    judged = iter(_judge(known, (baseline, run), len(blocks), matching, miss) if known else ())
    changes: list[Change] = []
    for metric, one, other in pairs:
        if one is not None and other is not None:
            changes.append(next(judged))
        elif one is not None or other is not None:
            changes.append(_one_sided(metric, one, other))
    return tuple(changes)


def _one_sided(metric: Metric, one: Figure | None, other: Figure | None) -> Change:
    values = [None if figure is None else figure.value for figure in (one, other)]
    counts = [0 if figure is None else figure.count for figure in (one, other)]
    return Change(metric, values[0], values[1], (counts[0], counts[1]))


def _blocks(baseline: RunSample, run: RunSample) -> tuple[int, ...]:
    """Into how many stretches both runs are cut, finely and coarsely; none when there are too few requests."""
    count = min(MOST_BLOCKS, min(baseline.size, run.size) // FEWEST_IN_A_BLOCK)
    if count < FEWEST_BLOCKS:
        return ()
    return (count,)


def _judge(
    pairs: Sequence[tuple[Figure, Figure]],
    samples: tuple[RunSample, RunSample],
    by_time: int,
    matching: Matching,
    miss: float,
) -> list[Change]:
    reaches = [_reaches(pairs, number, matched=matching.time, miss=miss, in_time=True) for number in range(by_time)]
    if by_time and min(len(sample.users) for sample in samples) >= FEWEST_USERS:
        matched = matching.users and samples[0].users == samples[1].users
        kinds = None if matched or not same_kinds(samples) else (samples[0].kinds, samples[1].kinds)
        reaches.append(_reaches(pairs, by_time, matched=matched, miss=miss, in_time=False, kinds=kinds))
    changes = []
    for index, pair in enumerate(pairs):
        together = max(((float(r.together[index]), float(r.critical[index])) for r in reaches), default=None)
        alone = max(((float(r.alone[index]), float(r.criticals[index])) for r in reaches), default=None)
        changes.append(_change(pair, samples, together, alone))
    return changes


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far chance takes each figure's change, by one clustering: in any of the family, and in each alone."""

    together: Floats
    alone: Floats
    critical: Floats
    criticals: Floats


def _reaches(
    pairs: Sequence[tuple[Figure, Figure]],
    clustering: int,
    *,
    matched: bool,
    miss: float,
    in_time: bool,
    kinds: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
) -> _Reach:
    mine = np.array([one.influence[clustering] for one, _ in pairs])
    others = np.array([other.influence[clustering] for _, other in pairs])
    parts = [mine, others]
    if kinds is not None:
        parts = [within_kinds(part, each) for part, each in zip(parts, kinds, strict=True)]
    if matched:
        parts = [others - mine]
    errors = standard_errors(parts)
    clusters = sum(part.shape[1] for part in parts)
    freedom = clusters - len(parts)
    critical, criticals = critical_values(parts, miss)
    # where nothing varied there is no largest chance change to look at
    least = student_quantile(miss, freedom)
    critical, criticals = max(critical, least), np.where(criticals > 0, criticals, least)
    if not in_time:
        return _Reach(errors * critical, errors * criticals, np.full_like(errors, critical), criticals)
    inflation = variance_inflation(parts)
    errors *= np.sqrt(inflation)
    lost = np.maximum(_LEAST_FREEDOM, clusters / inflation - len(parts))
    together = np.array([_heavier(critical, freedom, left) for left in lost])
    alone = np.array([_heavier(float(one), freedom, left) for one, left in zip(criticals, lost, strict=True)])
    return _Reach(errors * together, errors * alone, together, alone)


def _heavier(critical: float, freedom: float, left: float) -> float:
    """What a critical value becomes when fewer degrees of freedom are left."""
    if left >= freedom:
        return critical
    return student_quantile(exceeded(critical, freedom), left)


#: how far chance takes a change, on the figure's scale, and how many standard errors that is
_Bound = tuple[float, float]


def _change(
    pair: tuple[Figure, Figure], samples: tuple[RunSample, RunSample], together: _Bound | None, alone: _Bound | None
) -> Change:
    one, other = pair
    metric, is_share = one.metric, one.metric.unit is Unit.SHARE
    relative = other.value / one.value - 1.0 if not is_share and one.value > 0 else None
    sure_difference = None if together is None else _difference(pair, *together)
    sure = None if together is None or relative is None else _ratio(pair, *together)
    decisive = sure_difference if is_share else sure
    interval = _difference if is_share else _ratio
    values = [sample.values.get(metric.quantity) for sample in samples]
    known = [value[~np.isnan(value)] for value in values if value is not None]
    detectable = None if decisive is None or together is None else _detectable(decisive, together[1], is_share=is_share)
    requests = min(sample.size for sample in samples)
    change = Change(
        metric,
        one.value,
        other.value,
        (one.count, other.count),
        requests,
        _verdict(metric, decisive),
        relative,
        other.value - one.value,
        sure,
        sure_difference,
        None if alone is None or (relative is None and not is_share) else interval(pair, *alone),
        cliffs_delta(known[1], known[0]) if len(known) == len(values) else None,
        detectable,
        _needed_for_tail(metric, requests, together) if detectable is None else None,
    )
    return replace(change, needed=needed_to_find(change, WORTH_FINDING_SHARE if is_share else WORTH_FINDING))


def _verdict(metric: Metric, interval: Interval | None) -> Verdict:
    if interval is None or interval[0] <= 0.0 <= interval[1]:
        return Verdict.NO_EVIDENCE
    return Verdict.WORSE if (interval[0] > 0.0) == metric.more_is_worse else Verdict.BETTER


def _bounds(pair: tuple[Figure, Figure], reach: float, critical: float) -> tuple[Interval, Interval]:
    """Each run's own bounds, so wide that together they reach as far as `reach`.

    How the reach is shared between them follows from their errors in time.
    """
    errors = [float(standard_errors([figure.influence[0][None, :]])[0]) for figure in pair]
    both = math.hypot(*errors)
    shares = [error / both for error in errors] if both > 0 else [math.sqrt(0.5)] * 2
    one, other = (figure.bounds(reach * part, critical) for figure, part in zip(pair, shares, strict=True))
    return one, other


def _difference(pair: tuple[Figure, Figure], reach: float, critical: float) -> Interval:
    """The interval of a difference from those of its parts (MOVER).

    Source: Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008).
    """
    (low_before, high_before), (low_after, high_after) = _bounds(pair, reach, critical)
    before, after = (figure.value for figure in pair)
    difference = after - before
    return (
        difference - math.hypot(after - low_after, high_before - before),
        difference + math.hypot(high_after - after, before - low_before),
    )


def _ratio(pair: tuple[Figure, Figure], reach: float, critical: float) -> Interval:
    """The interval of a ratio, less 1: that of the difference of logarithms."""
    (low_before, high_before), (low_after, high_after) = _bounds(pair, reach, critical)
    before, after = (figure.value for figure in pair)
    change = _log(after) - _log(before)
    down = math.hypot(_log(after) - _log(low_after), _log(high_before) - _log(before))
    up = math.hypot(_log(high_after) - _log(after), _log(before) - _log(low_before))
    return math.expm1(change - down), math.expm1(change + up)


def _log(value: float) -> float:
    if value <= 0.0:
        return -math.inf
    return math.log(value)


def _detectable(interval: Interval, critical: float, *, is_share: bool) -> float | None:
    """The change that would have been found with a chance of 80 %, from how wide the interval is; None for none."""
    low, high = interval if is_share else (_log(1.0 + interval[0]), _log(1.0 + interval[1]))
    if not math.isfinite(high - low):
        return None
    least = (high - low) / 2 * (1.0 + POWER_Z / critical)
    return least if is_share else math.expm1(least)


def needed_to_find(change: Change, worth: float) -> int | None:
    """Requests of each run with which a change of `worth` would be found in four cases of five; None if unknown.

    Errors shrink with the square root of the requests. `worth` is relative, of shares a difference.
    """
    if change.detectable is None or not worth:
        return change.needed
    if change.metric.unit is Unit.SHARE:
        return math.ceil(change.requests * (change.detectable / worth) ** 2)
    if worth <= -1.0:
        return None
    return math.ceil(change.requests * (math.log1p(change.detectable) / math.log1p(worth)) ** 2)


def _needed_for_tail(metric: Metric, requests: int, together: _Bound | None) -> int | None:
    """The same where the interval has no end, because too few values lie beyond the quantile.

    There have to be twice as many as chance may take away.
    """
    if together is None or metric.share is None:
        return None
    room = min(metric.share, 1.0 - metric.share) / 2
    return math.ceil(requests * max(1.0, together[0] / room) ** 2)
