"""Records for tests."""

from __future__ import annotations

from array import array
from dataclasses import MISSING, fields
from typing import Any

from hypothesis import strategies as st

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, RequestRecord

#: values of each kind of column
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.sampled_from(["", "org-1", "user-org-1-7"]) | st.text(max_size=20),
    "i64": st.integers(-(2**63), 2**63 - 1),
    "u64": st.integers(0, 2**64 - 1),
    "f64": st.floats(),
    "bool": st.booleans(),
    "u32list": st.lists(st.integers(0, 2**32 - 1), max_size=5).map(lambda gaps: array("I", gaps)),
}

RECORDS = st.builds(
    RequestRecord,
    **{
        column.name: st.sampled_from(ErrorKind) if column.name == "error_type" else VALUES[column.kind]
        for column in COLUMNS
    },
)


def record(**values: Any) -> RequestRecord:
    """A record with these values; what has no default is empty."""
    needed = [f.name for f in fields(RequestRecord) if f.default is MISSING and f.default_factory is MISSING]
    return RequestRecord(**{**dict.fromkeys(needed, ""), **values})
