from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from raysim.core.metrics.family import Kind
from raysim.core.metrics.registry import family
from raysim.core.metrics.snapshot import FamilyValues, Point, Spread
from raysim.sinks.exposition import exposition
from tests.component.sinks.metrics_run import metrics_snapshot


def test_another_parser_reads_what_was_meant() -> None:
    snapshot = metrics_snapshot()
    text = exposition(snapshot.families, snapshot.constants).decode()
    parsed = {each.name: each for each in text_string_to_metric_families(text)}
    assert len(parsed) == len(snapshot.families)
    series = 0
    for values in snapshot.families:
        # that parser names counters without their ending
        found = parsed[
            values.family.name.removesuffix("_total") if values.family.kind is Kind.COUNTER else values.family.name
        ]
        assert found.type == values.family.kind
        assert found.documentation.startswith(values.family.help)
        series += len(found.samples)
        for sample in found.samples:
            assert sample.name in values.family.exported_names
            assert sample.labels["team"] == 'the "blue" one'
            assert sample.labels["test_run"] == "run-1"
            assert sample.labels.keys() - {"team"} <= values.family.labels_of(sample.name)
    assert series == snapshot.size


def test_numbers_and_texts_that_need_care() -> None:
    odd = 'a\\b"c\nd'
    values = FamilyValues(
        family("loadtest_run_info"),
        (Point(("run-1", odd, "", "1"), math.inf), Point(("run-2", "x", "", "1"), math.nan)),
    )
    (parsed,) = text_string_to_metric_families(exposition([values]).decode())
    first, second = parsed.samples
    assert first.labels == {"test_run": "run-1", "scenario": odd, "version": "1"}
    assert first.value == math.inf
    assert math.isnan(second.value)


def test_a_histogram_ends_in_all_of_its_values() -> None:
    found = family("loadtest_llm_time_per_output_token_seconds")
    parts = tuple(range(len(found.bounds)))
    values = FamilyValues(found, (Spread(("run-1", "o", "m", "b"), parts, 1.5, 40),))
    (parsed,) = text_string_to_metric_families(exposition([values]).decode())
    buckets = [(s.labels["le"], s.value) for s in parsed.samples if s.name.endswith("_bucket")]
    assert buckets[0] == ("0.0025", 0.0)
    assert buckets[-1] == ("+Inf", 40.0)
    assert [(s.name.rpartition("_")[2], s.value) for s in parsed.samples[-2:]] == [("sum", 1.5), ("count", 40.0)]
