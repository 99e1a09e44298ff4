from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.schema_json import results_schema
from tests.component.report.sample_run import record, rows

SCHEMA = results_schema()


def problems(row: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator({"$ref": "#/$defs/requests", "$defs": SCHEMA["$defs"]})
    return [error.message for error in validator.iter_errors(row)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_written_rows_are_as_it_says() -> None:
    kept = rows([record(0), record(1, error_type=ErrorKind.TIMEOUT_TOTAL, first_token_ns=-1, http_status=-1)])
    assert [
        problem for row in kept.select(SCHEMA["$defs"]["requests"]["required"]).to_dicts() for problem in problems(row)
    ] == []


@pytest.mark.parametrize("change", [{"end_ns": 1.5}, {"request_id": None}, {"error_type": "bad luck"}, {"more": 1}])
def test_other_rows_are_not(change: dict[str, Any]) -> None:
    row = rows([record(0)]).select(SCHEMA["$defs"]["requests"]["required"]).to_dicts()[0]
    assert problems(row | change)
