"""Each user's own series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from raysim.core.aggregation.tables import Keys, QuantileTable, RowSums
from raysim.core.metrics.family import Family
from raysim.core.metrics.readings import UserReading
from raysim.core.metrics.registry import family
from raysim.core.metrics.rows import RequestRows, known_sum
from raysim.core.metrics.snapshot import FamilyValues, Point, Spread
from raysim.core.plan.run_plan import UserPlan
from raysim.core.records.outcome import ErrorKind, Outcome
from raysim.core.records.request import ABSENT

_FINISHED = "finished"


class UserSeries:
    """Sums up requests by user.

    Args:
        run_id: for the label.
        users: everybody in the plan.
    """

    def __init__(self, run_id: str, users: Sequence[UserPlan]) -> None:
        self._run_id = run_id
        self._users = {user.index: (user.org_name, user.name) for user in users}
        self._keys = Keys()
        self._outcomes = {outcome: RowSums() for outcome in Outcome}
        self._error_keys = Keys()
        self._errors = RowSums()
        self._questions, self._prompt, self._completion, self._cost = RowSums(), RowSums(), RowSums(), RowSums()
        self._latency, self._think = QuantileTable(), QuantileTable()
        self._sessions: dict[int, int] = {}

    def add(self, requests: RequestRows) -> None:
        """Count these."""
        rows = self._keys.rows_of(requests.org_id, requests.user_id)
        for kind in map(ErrorKind, requests.error_type.values):
            self._outcomes[kind.outcome].add(rows[requests.ended_in(kind)])
        failed = ~requests.ended_in("")
        if failed.any():
            keys = self._error_keys.rows_of(requests.org_id, requests.user_id, requests.error_type)
            self._errors.add(keys[failed])
        self._questions.add(rows[requests.question_hash != 0])
        self._prompt.add(rows, known_sum(requests.prompt_tokens))
        self._completion.add(rows, known_sum(requests.completion_tokens))
        self._cost.add(rows, requests.cost_usd)
        self._latency.add(rows, requests.latency_s())
        self._think.add(rows, requests.think_s)
        self._see_sessions(rows.tolist(), requests.session.tolist())

    def _see_sessions(self, rows: list[int], sessions: list[int]) -> None:
        seen = self._sessions
        for row, session in zip(rows, sessions, strict=True):
            if session != ABSENT and session > seen.get(row, 0):
                seen[row] = session

    def values(self, readings: Sequence[UserReading]) -> Iterator[FamilyValues]:
        """The series of all users that were set up, or of which there are records."""
        said: dict[tuple[str, ...], UserReading] = {self._users[reading.user]: reading for reading in readings}
        for key in said:
            self._keys.row(key)
        labels = [(self._run_id, org, user, _pod(said, (org, user))) for org, user in self._keys]
        yield _counts("requests_total", labels, {str(outcome): sums for outcome, sums in self._outcomes.items()})
        yield _counts("questions_total", labels, {"": self._questions})
        yield _spreads("latency_seconds", labels, self._latency)
        yield _counts("tokens_total", labels, {"prompt": self._prompt, "completion": self._completion})
        yield _counts("cost_usd_total", labels, {"": self._cost})
        errors = [
            Point((self._run_id, org, user, _pod(said, (org, user)), kind), self._errors[row])
            for row, (org, user, kind) in enumerate(self._error_keys)
            if kind
        ]
        yield FamilyValues(_family("errors_total"), tuple(errors))
        yield _spreads("think_time_seconds", labels, self._think)
        yield FamilyValues(_family("session_completed"), (*self._finished(labels), *_gone(labels, said)))

    def _finished(self, labels: Sequence[tuple[str, ...]]) -> Iterator[Point]:
        for row, found in enumerate(labels):
            # the last session that was seen may still go on
            yield Point((*found, _FINISHED), float(max(0, self._sessions.get(row, 0) - 1)))


def _gone(labels: Sequence[tuple[str, ...]], said: Mapping[tuple[str, ...], UserReading]) -> Iterator[Point]:
    for found in labels:
        reading = said.get(found[1:3])
        if reading is not None and reading.gone:
            yield Point((*found, reading.gone), 1.0)


def _family(name: str) -> Family:
    return family(f"loadtest_user_{name}")


def _pod(said: Mapping[tuple[str, ...], UserReading], key: tuple[str, ...]) -> str:
    return said[key].pod if key in said else ""


def _counts(name: str, labels: Sequence[tuple[str, ...]], sums: Mapping[str, RowSums]) -> FamilyValues:
    """A series for each user and each name of `sums`; an empty name stands for no label."""
    return FamilyValues(
        _family(name),
        tuple(
            Point((*found, more) if more else found, counted[row])
            for row, found in enumerate(labels)
            for more, counted in sums.items()
        ),
    )


def _spreads(name: str, labels: Sequence[tuple[str, ...]], table: QuantileTable) -> FamilyValues:
    found = _family(name)
    quantiles = table.quantiles(len(labels), found.shares).tolist()
    return FamilyValues(
        found,
        tuple(Spread(each, tuple(quantiles[row]), table.sum(row), table.count(row)) for row, each in enumerate(labels)),
    )
