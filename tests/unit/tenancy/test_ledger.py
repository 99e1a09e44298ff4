from __future__ import annotations

from dataclasses import asdict

import orjson
from hypothesis import given
from hypothesis import strategies as st

from raysim.tenancy.ledger import Ledger, Resource, new_mark, run_of

ORG = Resource("org", "", "", "org-1", "org-1-abc", "intended")


def lines(*resources: Resource) -> bytes:
    return b"".join(orjson.dumps({"time": 1.0, **asdict(resource)}) + b"\n" for resource in resources)


def test_the_last_line_of_a_resource_counts() -> None:
    made = Resource("org", "o1", "o1", "org-1", "org-1-abc")
    ledger = Ledger.parse(lines(ORG, made))
    assert len(ledger) == 1
    assert ledger.owed() == [made]
    assert ledger.ids("org") == {"org-1": "o1"}
    gone = Ledger.parse(lines(ORG, made, Resource("org", "o1", "o1", "org-1", "org-1-abc", "suspended")))
    assert gone.owed() == []
    assert gone.counts() == {"suspended": 1}


@given(st.integers(min_value=0))
def test_a_torn_ledger_holds_all_whole_lines(cut: int) -> None:
    users = [Resource("user", f"u{n}", "o1", f"user-{n}", f"user-{n}@x.invalid") for n in range(5)]
    whole = lines(*users)
    torn = whole[: cut % (len(whole) + 1)]
    # a last line that lacks only its line break is whole
    assert len(Ledger.parse(torn)) in (torn.count(b"\n"), torn.count(b"\n") + 1)
    assert Ledger.parse(torn + b"\n" + whole).owed() == Ledger.parse(whole).owed()


def test_lines_that_are_none_are_left_out() -> None:
    noise = b'\n[]\n{"kind": "planet"}\n{"kind": 7}\nnull\n\xff\n'
    assert len(Ledger.parse(noise + lines(ORG))) == 1


def test_the_mark_is_read_and_belongs_to_a_run() -> None:
    mark = new_mark("run-1", "abcd1234")
    line = orjson.dumps({"time": 1.0, "kind": "run", "mark": mark}) + b"\n"
    assert Ledger.parse(line + lines(ORG)).mark == mark
    assert Ledger.parse(lines(ORG)).mark == ""
    assert run_of(mark) == run_of("run-1") == "run-1"


def test_ledgers_of_before_are_read() -> None:
    line = b'{"time":1.0,"kind":"key","resource_id":"k1","org_id":"o1","name":"user-1","fate":"active","detail":""}\n'
    (key,) = Ledger.parse(line).owed()
    assert (key.fate, key.resource_id, key.label) == ("created", "k1", "")


def test_owed_is_in_the_order_of_removal_and_spares_what_is_retained() -> None:
    ledger = Ledger(
        [
            Resource("org", "o1", "o1", "org-1", "org-1-abc", "retained"),
            Resource("user", "u1", "o1", "user-1", "user-1@x.invalid"),
            Resource("key", "k2", "o1", "user-1", "raysim r user-1 2"),
            Resource("key", "k1", "o1", "user-1", "raysim r user-1"),
        ]
    )
    assert [r.resource_id for r in ledger.owed()] == ["k1", "k2", "u1"]
    assert [r.resource_id for r in ledger.owed(retained=True)] == ["k1", "k2", "u1", "o1"]
    assert [r.resource_id for r in ledger.find("key", "user-1")] == ["k2", "k1"]
    assert ledger.org("") == []
