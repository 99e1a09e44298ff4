from __future__ import annotations

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS
from raysim.core.records.schema_page import MEANINGS, schema_page


def test_every_column_has_a_row_of_its_own() -> None:
    rows = [line.split("|")[1].strip() for line in schema_page().splitlines() if line.startswith("| `")]
    assert rows[: len(COLUMNS) + 1] == [f"`{column.name}`" for column in COLUMNS] + ["`outcome`"]


def test_every_kind_of_error_is_explained_with_its_outcome() -> None:
    assert set(MEANINGS) == set(ErrorKind) - {ErrorKind.NONE}
    page = schema_page()
    assert f"| `budget_exceeded` | refused | {MEANINGS[ErrorKind.BUDGET_EXCEEDED]} |" in page
    assert "| (empty) | success |" in page
