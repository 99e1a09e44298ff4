"""Do expressions return data from a Prometheus that has seen a run? What it is asked by is a port."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from raysim.core.metrics.registry import family_of
from raysim.dashboards.promql import read
from raysim.dashboards.questions import Question


class RefusedError(Exception):
    """Prometheus does not take an expression; the message is its own."""


class Asks(Protocol):
    """A Prometheus, at one moment."""

    def values(self, expression: str) -> list[float]:
        """The value of each series that `expression` returns.

        Raises:
            RefusedError: it is no PromQL.
        """
        ...


class FakePrometheus:
    """A Prometheus that has answers to some expressions, and nothing for others; `refused` are not PromQL for it."""

    def __init__(self, answers: dict[str, list[float]], refused: tuple[str, ...] = ()) -> None:
        self._answers = answers
        self._refused = refused

    def values(self, expression: str) -> list[float]:
        """What was prepared."""
        if expression in self._refused:
            raise RefusedError("parse error")
        return self._answers.get(expression, [])


class Found(StrEnum):
    """What came back."""

    DATA = "data"
    #: nothing, and nothing has to
    NOTHING = "nothing"
    #: nothing, as a metric is not there that need not be
    ABSENT = "absent"
    #: nothing, although there should be
    MISSING = "missing"
    #: an error
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to a question, and why that is no data, if so."""

    question: Question
    found: Found
    why: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something has to be mended."""
        return self.found in (Found.MISSING, Found.REFUSED)


def answers(asked: Iterable[Question], prometheus: Asks, run_id: str) -> Iterator[Answer]:
    """Each question with what a Prometheus that has seen the run says."""
    for question in asked:
        yield _answer(question, prometheus, run_id)


def _answer(question: Question, prometheus: Asks, run_id: str) -> Answer:
    expression = question.of_run(run_id)
    try:
        if _numbers(prometheus.values(expression)):
            return Answer(question, Found.DATA)
        if question.rare:
            return Answer(question, Found.NOTHING)
        return _explained(question, prometheus, run_id)
    except RefusedError as error:
        return Answer(question, Found.REFUSED, f"{error}: {expression}")


def _explained(question: Question, prometheus: Asks, run_id: str) -> Answer:
    """Nothing came back: is a metric of it away that may be?"""
    for selector in read(question.expr).selectors:
        family = family_of(selector.name)
        values = _numbers(prometheus.values(f'{selector.name}{{test_run="{run_id}"}}'))
        # buckets and counts are there at zero before anything is observed
        observed = any(values) if family is not None and family.name != selector.name else bool(values)
        if observed:
            continue
        if family is None or not family.absent:
            return Answer(question, Found.MISSING, f"{selector.name} is not there")
        return Answer(question, Found.ABSENT, f"{selector.name}: {family.absent}")
    return Answer(question, Found.MISSING, f"its metrics are there: {question.of_run(run_id)}")


def _numbers(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]
