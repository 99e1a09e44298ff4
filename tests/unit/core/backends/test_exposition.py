from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from raysim.core.backends.exposition import Sample, read_samples


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("a 1", {}, 1.0),
        ("a 1.5e3 1700000000000", {}, 1500.0),
        ('a{x="1",y="two words"} 2', {"x": "1", "y": "two words"}, 2.0),
        ('a{x="1",} 2', {"x": "1"}, 2.0),
        ('a{x="}{",y="\\"\\\\\\n"} +Inf', {"x": "}{", "y": '"\\\n'}, None),
        ('a{x="1"} 3 # {trace_id="t"} 0.5', {"x": "1"}, 3.0),
        ("a{} 4", {}, 4.0),
    ],
)
def test_lines_are_read(line: str, labels: dict[str, str], value: float | None) -> None:
    found = read_samples(f"# TYPE a gauge\nb 9\n{line}\n", {"a"})
    assert found == ({} if value is None else {"a": [Sample(labels, value)]})


@pytest.mark.parametrize("line", ["a", "a NaN", "a one", 'a{x="1"', "ab 1", "# a 1", "", "a 9.2e18"])
def test_other_lines_are_passed_over(line: str) -> None:
    assert read_samples(line, {"a"}) == {}


@given(st.dictionaries(st.text(), st.floats(-1e12, 1e12), max_size=5))
def test_it_reads_what_prometheus_own_client_writes(values: dict[str, float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("a", "text", ["label"], registry=registry)
    for label, value in values.items():
        gauge.labels(label).set(value)
    found = read_samples(generate_latest(registry).decode(), {"a"}).get("a", [])
    assert {sample.labels["label"]: sample.value for sample in found} == values


@given(st.text())
def test_no_page_breaks_it(text: str) -> None:
    read_samples(text + "\na{" + text + "} 1", {"a"})
