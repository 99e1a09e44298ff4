"""Are bottlenecks found, and only those that are there? In virtual time, with the engine and pages of the simulator.

    python -m benchmarks.findings [--seeds N] [--first SEED]

Backends are made queue-bound, prefill-bound, decode-bound, short of KV cache, or put behind a slow gateway: each alone,
each two at once, and none, with severities drawn at random for every seed. What is found comes from the text of the
metrics pages and the users' own clocks; prints precision and recall of each cause.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from dataclasses import dataclass, replace
from time import process_time

from benchmarks.virtual_platform import MODEL, Load, Truth, VirtualPlatform
from raysim.core.aggregation.verdict import judge_generator
from raysim.core.backends.causes import Cause
from raysim.core.backends.findings import Finding, diagnose
from raysim.core.rng import Stream
from raysim.simplatform.config import BackendConfig

Side = tuple[Truth, BackendConfig]

INJECTED = (Cause.QUEUEING, Cause.PREFILL, Cause.DECODE, Cause.KV_FULL, Cause.GATEWAY)
#: an injected cause that slows less than this, by the simulation's own books, is in a grey zone: neither demanded nor
#: held against whoever finds it
_CLEAR = 2.0


@dataclass(frozen=True)
class Case:
    """One run: which causes, with which severities."""

    causes: frozenset[Cause]
    backends: tuple[BackendConfig, ...]
    load: Load
    seed: int


def case(causes: frozenset[Cause], seed: int) -> Case:
    """Two backends like those of gpt-4o, made to suffer from `causes` by an amount drawn from `seed`."""
    random = Stream.of(seed, "case", *sorted(causes))

    def between(low: float, high: float) -> float:
        return low + (high - low) * random.random()

    load = Load(users=round(between(20, 44) if causes else between(20, 120)), think_s=between(0.3, 1.5))
    healthy = BackendConfig(
        id="gpt-4o-0",
        models=(MODEL,),
        prefill_base=0.22,
        prefill_per_token=0.0001,
        step_base=0.0125,
        step_per_sequence=0.00005,
    )
    here = load.users / 2
    batch = here
    changes: dict[str, float] = {}
    # users who wait for one backend do not ask the other: together, both have to be short of more to be short at all
    mildest = 0.3 if causes >= {Cause.QUEUEING, Cause.KV_FULL} else 0.65
    if Cause.QUEUEING in causes:
        batch = max(3.0, round(here * between(0.15, mildest)))
        changes["slots"] = int(batch)
    if Cause.PREFILL in causes:
        changes |= {"prefill_lanes": 1, "prefill_base": between(0.15, 0.35)}
    if Cause.DECODE in causes:
        changes["step_per_sequence"] = 0.0125 * between(1.5, 8.0) / max(2.0, 0.7 * batch)
    if Cause.GATEWAY in causes:
        load = replace(load, gateway_s=between(0.25, 2.0))
    first = healthy.model_copy(update=changes)
    second = first.model_copy(update={"id": "gpt-4o-1"})
    if Cause.KV_FULL in causes:
        # a request holds up to 720 tokens; of slots and cache only one can be what is short, so each has its backend
        short = {"kv_cache_tokens": int(max(2_400, 430 * here * between(0.15, mildest)))}
        if Cause.QUEUEING in causes:
            second = second.model_copy(update={**short, "slots": 256})
        else:
            first, second = (b.model_copy(update=short) for b in (first, second))
    return Case(causes, (first, second), load, seed)


def slowing(cause: Cause, truth: Truth, backend: BackendConfig, load: Load) -> float:
    """How many times longer `cause` really made what it slows."""
    alone = truth.mean("prefill_alone")
    if not alone:
        return 1.0
    match cause:
        case Cause.QUEUEING | Cause.KV_FULL:
            return 1 + truth.mean("queue") / alone
        case Cause.PREFILL:
            return truth.mean("prefill") / alone
        case Cause.DECODE:
            return truth.mean("gaps") / (backend.step_base + backend.step_per_sequence)
        case _:
            return 1 + load.gateway_s / alone


def really(run: Case, platform: VirtualPlatform) -> tuple[frozenset[Cause], frozenset[Cause]]:
    """The causes that were clearly at work somewhere, and those in the grey zone."""
    sides = list(zip(platform.truth, run.backends, strict=True))
    worst = {
        cause: max(slowing(cause, *side, run.load) for side in _suffering(cause, run, sides)) for cause in run.causes
    }
    clear = frozenset(cause for cause, factor in worst.items() if factor >= _CLEAR)
    return clear, run.causes - clear


def _suffering(cause: Cause, run: Case, sides: list[Side]) -> list[Side]:
    """The backends that were made to suffer from `cause`."""
    if run.causes == {Cause.QUEUEING, Cause.KV_FULL}:
        return sides[:1] if cause is Cause.QUEUEING else sides[1:]
    return sides


def examine(run: Case) -> tuple[frozenset[Cause], frozenset[Cause], tuple[Finding, ...]]:
    """What was there, what may be called so, and what was found."""
    platform = VirtualPlatform(run.backends, run.load, run.seed)
    found = diagnose(platform.run(), 0.0, run.load.lasts_s, judge_generator(1000, 0)).findings
    return *really(run, platform), found


def sets() -> list[frozenset[Cause]]:
    """None, each alone, each two at once."""
    alone = [frozenset({cause}) for cause in INJECTED]
    return [frozenset(), *alone, *(frozenset(pair) for pair in itertools.combinations(INJECTED, 2))]


def main(arguments: list[str]) -> int:
    """Print a line for each set of causes, and the totals; 1 when precision or recall is below 95 %."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    hits, misses, wrong, grey = Counter[Cause](), Counter[Cause](), Counter[Cause](), 0
    began_s = process_time()
    for causes in sets():
        right = 0
        severities: Counter[str] = Counter()
        for seed in range(options.first, options.first + options.seeds):
            expected, doubtful, findings = examine(case(causes, seed))
            found = frozenset(finding.cause for finding in findings)
            hits.update(found & expected)
            misses.update(expected - found)
            wrong.update(found - expected - doubtful)
            grey += len(doubtful)
            severities.update(f.severity for f in findings)
            right += expected <= found <= expected | doubtful
            if options.verbose and not expected <= found <= expected | doubtful:
                print("  ", seed, "expected", sorted(expected), "grey", sorted(doubtful), "found", sorted(found))
        name = " + ".join(sorted(causes)) or "healthy"
        told = ", ".join(f"{n} {severity}" for severity, n in sorted(severities.items()))
        print(f"{name:32} {right:3} of {options.seeds} right   {told}")
    print(f"\n{'cause':16}{'precision':>10}{'recall':>8}{'found':>7}{'missed':>8}{'wrong':>7}")
    for cause in INJECTED:
        print(_line(cause, hits[cause], misses[cause], wrong[cause]))
    totals = (hits.total(), misses.total(), wrong.total())
    print(_line("all", *totals))
    print(f"{grey} injected causes did not reach {_CLEAR:g} times; {process_time() - began_s:.0f} s CPU")
    precision, recall = _shares(*totals)
    return 0 if min(precision, recall) >= 0.95 else 1


def _shares(hit: int, missed: int, wrong: int) -> tuple[float, float]:
    return hit / max(1, hit + wrong), hit / max(1, hit + missed)


def _line(name: str, hit: int, missed: int, wrong: int) -> str:
    precision, recall = _shares(hit, missed, wrong)
    return f"{name:16}{precision:>10.1%}{recall:>8.1%}{hit:>7}{missed:>8}{wrong:>7}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
