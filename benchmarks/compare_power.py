"""How often `raysim compare` is wrong, and how often it finds what is there: pairs of runs in virtual time.

    python -m benchmarks.compare_power [--pairs 1000] [--world plain] [--first 0] [--jobs 2]

`virtual_runs` says what is simulated. False alarms: any of the headline's figures called better or worse in two runs of
the same thing. Power: pairs of which the second withholds each first token by a tenth of its time, and TTFT (mean or
any percentile) is called worse. Both have the same baselines. Intervals behind figures are Wilson's, of 95 %.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

from benchmarks.virtual_runs import World, play
from raysim.core.comparison.change import Matching, Verdict, compare
from raysim.core.comparison.metric import HEADLINE

WORLDS = {
    #: 24 users, three minutes, about 2,300 requests; drift of 5 %, correlated over ten seconds
    "plain": World(seconds=180.0),
    "short": World(seconds=60.0),
    #: one backend two and a half times as slow as the other: every time has two humps
    "two-backends": World(seconds=180.0, backends=(1.0, 2.5), slots=12),
    #: users stay where they landed, which differs between the runs
    "sticky": World(seconds=180.0, backends=(1.0, 1.5), slots=12, sticky=True),
    "chunks": World(seconds=180.0, tokens_per_chunk=5),
    "heavy-tails": World(seconds=180.0, prompt_sigma=1.2, output_sigma=0.9),
    #: waves as long as a fifth of the run: more than any single run can tell from a change
    "slow-waves": World(seconds=180.0, drift=0.10, drift_s=40.0),
}
_SAME = Matching(time=False, users=False)
#: seeds of the runs that are slower or fail more often
_CHANGED = 1_000_000


def pair(world: World, number: int, *, errors: bool) -> tuple[list[str], list[str], list[str]]:
    """Figures with a verdict between equal runs; those found with slower TTFT, and with three points more errors."""
    baseline, same = play(world, 2 * number), play(world, 2 * number + 1)
    slower = play(world, _CHANGED + number, slower_ttft=0.10)
    changed = compare(baseline, same, HEADLINE, _SAME)
    found = [c.metric.name for c in compare(baseline, slower, HEADLINE, _SAME) if c.verdict is Verdict.WORSE]
    failing = found
    if errors:
        more = play(world, 2 * _CHANGED + number, more_errors=0.03)
        failing = [c.metric.name for c in compare(baseline, more, HEADLINE, _SAME) if c.verdict is Verdict.WORSE]
    return (
        [change.metric.name for change in changed if change.verdict is not Verdict.NO_EVIDENCE],
        [name for name in found if name.startswith("ttft")],
        [name for name in failing if name == "error_rate"],
    )


def wilson(hits: int, of: int) -> str:
    """A share with its 95 % interval."""
    z, value = 1.96, hits / of
    centre = (value + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(value * (1 - value) / of + z * z / (4 * of * of))
    return f"{hits} of {of}: {value:.1%} (between {max(0.0, centre - half):.1%} and {centre + half:.1%})"


def main(arguments: list[str]) -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair, to go on from")
    parser.add_argument("--world", choices=WORLDS, default="plain")
    parser.add_argument("--seconds", type=float, default=None, help="length of a run, instead of the world's")
    parser.add_argument("--errors", action="store_true", help="pairs with three points more errors as well")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    world = WORLDS[options.world]
    if options.seconds:
        world = replace(world, seconds=options.seconds)
    numbers = range(options.first, options.first + options.pairs)
    with ProcessPoolExecutor(options.jobs) as pool:
        found = list(pool.map(partial(pair, world, errors=options.errors), numbers, chunksize=5))
    print(f"{options.world}, {world.seconds:g} s, {play(world, 0).size} requests a run, pairs from {options.first}")
    titles = ["false alarms", "TTFT +10 % found", *(["errors +3 points found"] if options.errors else [])]
    for index, title in enumerate(titles):
        figures = Counter(name for pair_found in found for name in pair_found[index])
        print(f"  {title}: {wilson(sum(bool(p[index]) for p in found), len(found))}")
        print("    " + ", ".join(f"{name} {count}" for name, count in figures.most_common(8)))


if __name__ == "__main__":
    main(sys.argv[1:])
