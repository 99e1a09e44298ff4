from __future__ import annotations

from array import array
from dataclasses import fields

import pytest

from raysim.core.records.request import ABSENT, COLUMNS, Column, RequestRecord
from tests.unit.core.records.rows import record

#: how a field's type is stored
KIND_OF_TYPE = {
    "str": "str",
    "ErrorKind": "str",
    "int": "i64",
    "float": "f64",
    "bool": "bool",
    "array[int]": "u32list",
}
#: the unit that the end of a name stands for
UNITS = {"_ns": "ns", "_us": "us", "_usd": "USD", "_s": "s", "_tokens": "tokens", "bytes_received": "bytes"}


def test_every_field_has_its_column_in_the_same_order() -> None:
    assert [column.name for column in COLUMNS] == [field.name for field in fields(RequestRecord)]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_column_stores_the_type_of_its_field_and_is_documented(column: Column) -> None:
    (field,) = [field for field in fields(RequestRecord) if field.name == column.name]
    # a hash needs all 64 bits
    assert column.kind == ("u64" if column.name == "question_hash" else KIND_OF_TYPE[str(field.type)])
    assert len(column.meaning) > 5
    assert column.unit == next((u for ending, u in UNITS.items() if column.name.endswith(ending)), "")


def test_what_did_not_happen_is_absent_from_the_start() -> None:
    fresh = record()
    for name in ("http_status", "sent_ns", "first_byte_ns", "first_token_ns", "first_output_ns", "last_token_ns"):
        assert getattr(fresh, name) == ABSENT
    for name in ("connect_ns", "queue_ns", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"):
        assert getattr(fresh, name) == ABSENT
    assert fresh.think_s != fresh.think_s
    assert fresh.think_planned_s != fresh.think_planned_s
    for name in ("retry_after_s", "billed_usd", "key_spend_usd", "stated_usage", "stated_limit"):
        assert getattr(fresh, name) != getattr(fresh, name)
    assert fresh.rate_remaining == ABSENT


def test_records_do_not_share_their_gaps() -> None:
    first, second = record(), record()
    first.chunk_gaps_us.append(5)
    assert second.chunk_gaps_us == array("I")
