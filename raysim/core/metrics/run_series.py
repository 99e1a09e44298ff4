"""The series of the run as a whole that requests alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from raysim.core.aggregation.tables import Keys, RowSums
from raysim.core.metrics.registry import family
from raysim.core.metrics.rows import RequestRows, known_sum
from raysim.core.metrics.snapshot import FamilyValues, Point
from raysim.core.metrics.uniqueness import Uniqueness
from raysim.core.records.columns import TextColumn
from raysim.core.records.outcome import ErrorKind, Outcome
from raysim.core.records.request import ABSENT


class RunSeries:
    """Sums up all requests.

    Args:
        run_id: for the label.
        strategies: those that users may ask by: there at zero before anybody asks.
    """

    def __init__(self, run_id: str, strategies: Sequence[str]) -> None:
        self._run = (run_id,)
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._error_keys, self._errors = Keys(), RowSums()
        self._cost_usd = 0.0
        self._prompt = self._completion = 0
        self._strategies, self._questions = Keys(), RowSums()
        for strategy in strategies:
            self._strategies.row((strategy,))
        self._unique = Uniqueness()
        self._before: tuple[float, int] | None = None

    def add(self, requests: RequestRows) -> None:
        """Count these."""
        for kind in map(ErrorKind, requests.error_type.values):
            ended = requests.ended_in(kind)
            self._outcomes[kind.outcome] += int(ended.sum())
            if kind and ended.any():
                self._add_errors(requests, ended)
        self._cost_usd += float(requests.cost_usd.sum())
        self._prompt += int(known_sum(requests.prompt_tokens).sum())
        self._completion += int(known_sum(requests.completion_tokens).sum())
        asked = requests.question_hash != 0
        self._unique.add(requests.question_hash[asked])
        self._questions.add(self._strategies.rows_of(requests.strategy)[asked])

    def _add_errors(self, requests: RequestRows, ended: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        found, codes = np.unique(requests.http_status[ended], return_inverse=True)
        statuses = TextColumn([_status(status) for status in found.tolist()], codes.astype(np.uint32))
        columns = (requests.org_id, requests.model, requests.endpoint, requests.error_type)
        picked = [TextColumn(column.values, column.codes[ended]) for column in columns]
        self._errors.add(self._error_keys.rows_of(*picked, statuses))

    def values(self, unix_s: float) -> Iterator[FamilyValues]:
        """All series; the rate is that since the last call."""
        total = sum(self._outcomes.values())
        before, self._before = self._before, (unix_s, total)
        outcomes = {str(outcome): float(count) for outcome, count in self._outcomes.items()}
        yield self._each("run_requests_total", outcomes)
        yield FamilyValues(
            family("loadtest_run_errors_total"),
            tuple(Point((*self._run, *key), self._errors[row]) for row, key in enumerate(self._error_keys)),
        )
        yield self._one("run_cost_usd_total", self._cost_usd)
        tokens = {"prompt": float(self._prompt), "completion": float(self._completion)}
        yield self._each("run_tokens_total", tokens)
        speed = (total - before[1]) / (unix_s - before[0]) if before is not None and unix_s > before[0] else None
        yield self._one("run_requests_per_second", speed)
        failed = self._outcomes[Outcome.ERROR]
        decided = self._outcomes[Outcome.SUCCESS] + failed
        yield self._one("run_error_ratio", failed / decided if decided else None)
        strategies = {key[0]: self._questions[row] for row, key in enumerate(self._strategies) if key[0]}
        yield self._each("question_generated_total", strategies)
        yield self._one("question_uniqueness_ratio", self._unique.ratio)

    def _one(self, name: str, value: float | None) -> FamilyValues:
        return FamilyValues(family(f"loadtest_{name}"), () if value is None else (Point(self._run, value),))

    def _each(self, name: str, values: dict[str, float]) -> FamilyValues:
        points = (Point((*self._run, label), value) for label, value in values.items())
        return FamilyValues(family(f"loadtest_{name}"), tuple(points))


def _status(status: int) -> str:
    """An HTTP status as a label; empty when there was no answer."""
    return "" if status == ABSENT else str(status)
