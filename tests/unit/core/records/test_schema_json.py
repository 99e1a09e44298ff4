from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.records.schema_json import results_schema
from tests.component.report.sample_run import failure, record, rows

SCHEMA = results_schema()


def problems(row: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator({"$ref": "#/$defs/requests", "$defs": SCHEMA["$defs"]})
    return [error.message for error in validator.iter_errors(row)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def written(*records: RequestRecord) -> list[dict[str, Any]]:
    return rows(records).collect().to_dicts()


def test_written_rows_are_as_it_says() -> None:
    assert [
        problem
        for row in written(record(0), failure(1, ErrorKind.TIMEOUT_TOTAL, http_status=-1))
        for problem in problems(row)
    ] == []


@pytest.mark.parametrize("change", [{"end_ns": 1.5}, {"request_id": None}, {"error_type": "bad luck"}, {"more": 1}])
def test_other_rows_are_not(change: dict[str, Any]) -> None:
    assert problems(written(record(0))[0] | change)
