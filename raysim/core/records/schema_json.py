"""The columns of a run's Parquet files for programs: a JSON Schema of a row of each, made from what writes them."""

from __future__ import annotations

from typing import Any

from raysim.core.backends.reading import COLUMNS as READING_COLUMNS
from raysim.core.metrics.windows import COLUMNS as WINDOW_COLUMNS
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, SCHEMA_VERSION, Column
from raysim.core.records.schema_page import PARQUET_TYPES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: kind of column → its values
_VALUES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "i64": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "u64": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "f64": {"type": "number"},
    "bool": {"type": "boolean"},
    "u32list": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}},
}
#: kinds that are null in a request's row when it did not happen or is not known
_NULL_IN_REQUESTS = frozenset({"i64", "f64"})


def results_schema() -> dict[str, Any]:
    """The document: `$defs` has a row of `requests/part-*.parquet`, `backends.parquet` and `windows.parquet`.

    `x-parquet` of a column is its type there, `x-unit` its unit where it has one.
    """
    requests = _row("One request: a row of requests/part-*.parquet.", COLUMNS, null=_NULL_IN_REQUESTS)
    requests["properties"]["error_type"]["enum"] = [str(kind) for kind in ErrorKind]
    outcomes = sorted({"success", *(str(kind.outcome) for kind in ErrorKind)})
    requests["properties"]["outcome"] = {
        "type": "string",
        "enum": outcomes,
        "description": "follows from `error_type`",
        "x-parquet": "string",
    }
    requests["required"].append("outcome")
    everything = frozenset(_VALUES)
    return {
        "$schema": _DIALECT,
        "title": "raysim results",
        "description": "Rows of a run's Parquet files.",
        "x-schema-version": SCHEMA_VERSION,
        "$defs": {
            "requests": requests,
            "backends": _row("One look at a backend: a row of backends.parquet.", READING_COLUMNS, null=everything),
            "windows": _row("One series at one time: a row of windows.parquet.", WINDOW_COLUMNS, null=everything),
        },
    }


def _row(description: str, columns: tuple[Column, ...], *, null: frozenset[str]) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": {column.name: _column(column, nullable=column.kind in null) for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }


def _column(column: Column, *, nullable: bool) -> dict[str, Any]:
    values = dict(_VALUES[column.kind])
    if nullable:
        values["type"] = [values["type"], "null"]
    unit = {"x-unit": column.unit} if column.unit else {}
    return {**values, "description": column.meaning, "x-parquet": PARQUET_TYPES[column.kind][0], **unit}
