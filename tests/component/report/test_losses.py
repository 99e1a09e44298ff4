from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raysim.core.aggregation.billing import Unrecorded
from raysim.core.control.last_words import LastWord, LostProcess
from raysim.core.records.request import RequestRecord
from raysim.report.course import timed
from raysim.report.facts import LostUser, RunFacts
from raysim.report.losses import losses, most_charged, unrecorded
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, record, rows

LEASE_S = 15.0


def lost_facts(*processes: LostProcess, think_s: float = 1.0, **changes: Any) -> RunFacts:
    return facts(lost_processes=tuple(replace(process, thought_s=think_s) for process in processes), **changes)


def process(pack: int = 0, life: int = 0, *, at_s: float = 20.0, certain: bool = True, **word: Any) -> LostProcess:
    said = {"at_run_s": 18.0, "sequence": 9, "sent": 10, "unsure": 1, "askers": 1} | word
    return LostProcess((pack,), at_s, certain, LastWord(pack, life, **said), 1.0)


def stored_of(facts_: RunFacts, *stored: tuple[int, int, int]) -> list[RequestRecord]:
    """So many rows of each (pack, life)."""
    names = {pack.index: pack.name for pack in facts_.plan.packs}
    return [
        record(100 * pack + 10 * life + number, request_id=f"abc-u{pack}-{life}.{number + 1}", worker=names[pack])
        for pack, life, count in stored
        for number in range(count)
    ]


def bounds(facts_: RunFacts, records: list[RequestRecord]) -> tuple[int, int | None]:
    told = losses(unrecorded(rows(records), facts_), facts_)["requests_unrecorded"]
    return told["min"], told["max"]


def test_a_run_without_losses_has_nothing_to_tell() -> None:
    made = facts()
    told = losses(unrecorded(rows(stored_of(made, (0, 0, 3))), made), made)
    assert told["requests_unrecorded"] == {"min": 0, "max": 0}
    assert (told["users"], told["processes"], told["seconds_affected"], told["sentence"]) == ([], [], 0.0, None)


@pytest.mark.parametrize(
    ("lost", "stored", "expected"),
    [
        # sent 10 and stored 7: 3 are missing; in 2 s, one user and a cycle of 1.21 s: 1 in doubt, 1 at once, 1 later
        (process(), 7, (3, 6)),
        # rows from after the last report count, too
        (process(), 11, (0, 2)),
        (process(), 14, (0, 0)),
        # out of reach: it may have gone on until the end of its lease
        (process(certain=False), 7, (3, 3 + 1 + 1 + 12)),
        # it had drained
        (process(unsure=0, askers=0), 10, (0, 0)),
        (process(at_run_s=None, sent=0, unsure=0, askers=0), 0, (0, 0)),
    ],
)
def test_what_was_sent_and_what_is_stored_bound_what_is_missing(
    lost: LostProcess, stored: int, expected: tuple[int, int]
) -> None:
    made = lost_facts(lost)
    assert bounds(made, stored_of(made, (0, 0, stored), (1, 0, 5))) == expected


def test_each_life_of_a_pack_is_held_against_its_own_rows() -> None:
    made = lost_facts(process(), process(life=1, at_s=30.0, at_run_s=28.0))
    assert bounds(made, stored_of(made, (0, 0, 10), (0, 1, 4), (0, 2, 50))) == (6, 3 + 9)


def test_a_row_that_was_never_sent_is_nothing_the_platform_got() -> None:
    made = lost_facts(process())
    name = made.plan.packs[0].name
    stored = stored_of(made, (0, 0, 8))
    stored += [record(90 + n, request_id=f"abc-u0-0.{90 + n}", worker=name, sent_ns=-1, attempts=n) for n in (0, 2)]
    # of the one that was tried twice nobody knows: it is not missing for certain, and may be
    assert bounds(made, stored) == (1, 5)


def test_without_a_shortest_request_or_thought_there_is_no_most() -> None:
    made = lost_facts(process(), think_s=0.0)
    found = unrecorded(rows([]), made)
    told = losses(found, made)
    assert told["requests_unrecorded"] == {"min": 10, "max": None}
    assert told["sentence"] == "at least 10 requests of 1 lost user were not recorded; how many at most is not known"
    # the run's shortest request then bounds what a user can send: 210 ms, so 10 more within 2 s
    assert bounds(made, stored_of(made, (0, 0, 10))) == (0, 11)


def test_seconds_with_somebody_away_are_counted_once() -> None:
    users = (
        LostUser("a", 12.0, "killed", heard_run_s=10.0, back_run_s=15.0),
        LostUser("b", 13.0, "killed", heard_run_s=12.0, back_run_s=16.0),
        LostUser("c", 45.0, "killed", heard_run_s=44.0),
    )
    assert losses([], facts(lost=users))["seconds_affected"] == 6.0 + 6.0


def test_the_summary_says_between_what_the_missing_requests_lie() -> None:
    made = lost_facts(process())
    summary = summarise(rows(stored_of(made, (0, 0, 7))), made)
    assert summary["losses"]["sentence"] == "between 3 and 6 requests of 1 lost user were not recorded"
    assert summary["losses"]["users"] == [made.plan.users[0].name]


def test_what_one_missing_request_can_have_cost_is_the_most_that_one_did() -> None:
    made = lost_facts(process())
    stored = [
        *stored_of(made, (0, 0, 7)),
        record(50, cost_usd=0.002, reserved_usd=0.004, max_tokens=99, prompt_tokens=30),
    ]
    frame = rows(stored)
    told = most_charged(unrecorded(frame, made), timed(frame, made), made)
    assert told == {"org-1": Unrecorded(6, 0.004, 30, 99)}
