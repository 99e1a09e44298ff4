from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from raysim.core.records.outcome import ErrorKind
from raysim.report.summary import summarise
from raysim.report.summary_schema import summary_schema
from tests.component.report.sample_run import facts, failure, lively, rows

SCHEMA = summary_schema()


def problems(summary: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(summary)]


def summary_of(records: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(summarise(rows(records), facts()), default=list))
    return found


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("records", [[], [failure(1, ErrorKind.HTTP_5XX)], lively()], ids=["none", "failure", "many"])
def test_summaries_are_as_it_says(records: Any) -> None:
    summary = summary_of(records)
    assert problems(summary) == []
    assert summary.keys() == SCHEMA["properties"].keys()


def test_others_are_not() -> None:
    summary = summary_of([])
    assert problems(summary | {"status": "fine"})
    assert problems(summary | {"users": {}})
    assert problems({key: summary[key] for key in summary if key != "cost"})
