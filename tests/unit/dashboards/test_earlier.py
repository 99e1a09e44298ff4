from __future__ import annotations

import pytest

from raysim.core.metrics.registry import FAMILIES, family
from raysim.dashboards.earlier import NAMES, As, Earlier
from raysim.dashboards.earlier_rules import records

ALL = [earlier for names in NAMES.values() for earlier in names]
EXPORTED = {name for each in FAMILIES for name in (each.name, *each.exported_names)}


@pytest.mark.parametrize("earlier", ALL, ids=lambda earlier: earlier.name)
def test_a_name_is_had_as_the_table_says(earlier: Earlier) -> None:
    made = {record.name for record in records(earlier)}
    match earlier.had:
        case As.SAME:
            assert earlier.name == earlier.here == family(earlier.here).name
            assert not made
        case As.RECORDED:
            assert made
            assert not made & EXPORTED
        case As.OTHERWISE:
            assert earlier.name not in EXPORTED
            assert not made


def test_a_name_is_mapped_once() -> None:
    names = [earlier.name for earlier in ALL]
    assert len(set(names)) == len(names)


def test_bounds_of_buckets_are_milliseconds() -> None:
    (ttft,) = [earlier for earlier in ALL if earlier.name == "loadtest_llm_time_to_first_token_milliseconds"]
    buckets = {record.labels["le"]: record.expr for record in records(ttft) if record.name.endswith("_bucket")}
    assert list(buckets)[:3] == ["10", "25", "50"]
    assert list(buckets)[-1] == "+Inf"
    assert r'{le=~"0\\.05"}' in buckets["50"]
    assert r'{le=~"1(\\.0)?"}' in buckets["1000"]
