"""Questions a second on one core, beside `str.format` of texts of the same lengths.

    python -m benchmarks.questions [--count 200000] [--runs 5]

CPU time, not wall time: other work on the machine changes little. The reference fills eight slots of a fixed text from
fixed values, which is the least that a generator of texts in Python does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

from raysim.core.behaviour.questions import MIXED, STRATEGIES, QuestionWalk, question_hash

_SLOTS = 8


def _cpu_s(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _ask(walk: QuestionWalk, strategy: str, count: int) -> int:
    following = walk.next
    for _ in range(count):
        following(strategy, follow_up=False)
    return count


def _hash(texts: list[str]) -> int:
    return sum(question_hash(text) & 1 for text in texts)


def _format(text: str, values: tuple[str, ...], count: int) -> int:
    filled = text.format
    for _ in range(count):
        filled(*values)
    return count


def main() -> None:
    """Measure each strategy in turn with its reference, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    count: int = options.count
    print(f"{'strategy':<14}{'characters':>11}{'questions/s':>13}{'us each':>9}{'x format':>10}{'hash, us':>10}")
    for strategy in (*STRATEGIES, MIXED):
        walk = QuestionWalk(1, 7, 1_000)
        texts = [walk.next(strategy, follow_up=False)[0] for _ in range(2_000)]
        length = sum(map(len, texts)) // len(texts)
        values = ("x" * (length // (2 * _SLOTS)),) * _SLOTS
        text = ("y" * (length // (2 * _SLOTS)) + "{}") * _SLOTS
        asked, formatted, hashed = (
            median(_cpu_s(run) for _ in range(options.runs))
            for run in (
                lambda: _ask(walk, strategy, count),  # noqa: B023 - run at once
                lambda: _format(text, values, count),  # noqa: B023
                lambda: _hash(texts),  # noqa: B023
            )
        )
        print(
            f"{strategy:<14}{length:>11}{count / asked:>13,.0f}{asked / count * 1e6:>9.2f}{asked / formatted:>10.1f}"
            f"{hashed / len(texts) * 1e6:>10.2f}"
        )


if __name__ == "__main__":
    main()
