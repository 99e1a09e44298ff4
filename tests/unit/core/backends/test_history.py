from __future__ import annotations

from dataclasses import fields

import pytest

from raysim.core.backends.history import BackendHistory
from raysim.core.backends.reading import COLUMNS, BackendReading, from_row, to_row
from raysim.core.backends.target import BackendKind, BackendTarget
from raysim.core.backends.vocabulary import VOCABULARIES
from tests.unit.core.backends import pages


def history(kind: BackendKind, *, model: str = "", capacity: int | None = None) -> BackendHistory:
    return BackendHistory(BackendTarget("b", "http://b/metrics", kind, model=model, capacity=capacity))


def read(of: BackendHistory, text: str, at_s: float = 0.0) -> BackendReading:
    (reading,) = of.read(text, unix_s=1000.0 + at_s, at_s=at_s, took_s=0.01)
    return reading


@pytest.mark.parametrize(
    ("kind", "page", "expected"),
    [
        ("vllm", pages.VLLM, {"running": 7, "waiting": 2, "kv_cache_ratio": 0.75, "kv_cache_tokens": 32_000}),
        ("vllm", pages.VLLM_EARLIER, {"running": 3, "waiting": None, "kv_cache_ratio": 0.5}),
        ("sglang", pages.SGLANG, {"running": 5, "waiting": 0, "kv_cache_ratio": 0.28, "kv_cache_tokens": 161_721}),
        ("tgi", pages.TGI, {"running": 7, "waiting": 2, "kv_cache_ratio": None}),
        ("llamacpp", pages.LLAMACPP, {"running": 2, "waiting": 1, "kv_cache_ratio": None}),
        ("litellm", pages.LITELLM, {"running": 5, "waiting": None}),
    ],
)
def test_gauges_of_every_kind(kind: BackendKind, page: str, expected: dict[str, float | None]) -> None:
    reading = read(history(kind), page)
    assert {name: getattr(reading, name) for name in expected} == expected
    assert (reading.up, reading.interval_s, reading.queue_sum_s) == (True, None, None)


@pytest.mark.parametrize(
    ("kind", "page", "grown", "expected"),
    [
        (
            "vllm",
            pages.VLLM,
            [
                ('count{engine="0",model_name="llama"} 10.0', 'count{engine="0",model_name="llama"} 12.0'),
                ("} 4.0", "} 7.0"),
            ],
            {"queue_sum_s": 3.0, "queue_count": 2.0, "prompt_tokens": 0.0, "preemptions": 0.0},
        ),
        (
            "vllm",
            pages.VLLM_EARLIER,
            [("} 100.0", "} 140.0"), ("} 5.0", "} 7.0")],
            {"itl_sum_s": 2.0, "itl_count": 40.0},
        ),
        ("sglang", pages.SGLANG, [("} 3.0", "} 3.5")], {"queue_sum_s": 0.5, "queue_count": 0.0}),
        (
            "tgi",
            pages.TGI,
            [("sum 300", "sum 350"), ("duration_sum 6", "duration_sum 7")],
            {"itl_sum_s": 1, "itl_count": 50},
        ),
        (
            "llamacpp",
            pages.LLAMACPP,
            [("8.168", "9.168"), ("29.567", "30.067")],
            {"prefill_sum_s": 1.0, "itl_sum_s": 0.5},
        ),
        ("litellm", pages.LITELLM, [("} 0.5", "} 0.75")], {"overhead_sum_s": 0.25, "overhead_count": 0.0}),
        ("router", pages.ROUTER, [("} 12.0", "} 15.0"), ("} 4.0", "} 5.0")], {"e2e_sum_s": 3.0, "e2e_count": 1.0}),
    ],
)
def test_counters_count_by_how_much_they_grow(
    kind: BackendKind, page: str, grown: list[tuple[str, str]], expected: dict[str, float]
) -> None:
    later = page
    for before, after in grown:
        assert before in later
        later = later.replace(before, after)
    of = history(kind)
    read(of, page)
    reading = read(of, later, at_s=2.0)
    assert {name: getattr(reading, name) for name in expected} == pytest.approx(expected)
    assert (reading.interval_s, reading.restarted) == (2.0, False)


def test_a_backend_that_began_anew_counts_from_zero() -> None:
    of = history("vllm")
    read(of, pages.VLLM)
    after = pages.VLLM.replace(
        'prompt_tokens_total{engine="0",model_name="llama"} 1000.0',
        'prompt_tokens_total{engine="0",model_name="llama"} 30.0',
    )
    reading = read(of, after, at_s=2.0)
    # the other engine went on
    assert (reading.prompt_tokens, reading.restarted) == (30.0, True)


def test_an_interval_spans_a_gap_and_new_series_begin_at_zero() -> None:
    of = history("llamacpp")
    read(of, pages.LLAMACPP)
    (gap,) = of.missed("connection refused", unix_s=1002.0)
    assert (gap.up, gap.why, gap.running) == (False, "connection refused", None)
    grown = pages.LLAMACPP.replace("total 143", "total 163") + 'llamacpp:prompt_tokens_total{slot="1"} 7\n'
    reading = read(of, grown, at_s=6.0)
    assert (reading.interval_s, reading.prompt_tokens) == (6.0, 27.0)
    assert reading.prompt_tokens_per_s == pytest.approx(4.5)


def test_only_series_of_the_model() -> None:
    other = pages.SGLANG + 'sglang:num_running_reqs{model_name="other"} 40.0\n'
    assert read(history("sglang", model="llama"), other).running == 5
    assert read(history("sglang"), other).running == 45


def test_gpus_are_apart_and_blanks_are_not_known() -> None:
    first, second = history("dcgm").read(pages.DCGM, unix_s=0.0, at_s=0.0, took_s=0.0)
    assert (first.gpu, first.gpu_utilization_ratio, first.gpu_memory_ratio) == ("0", 0.87, 0.75)
    assert (second.gpu, second.gpu_utilization_ratio, second.gpu_memory_ratio) == ("1", 0.0, None)


def test_parts_of_a_gpu_have_names_of_their_own() -> None:
    page = 'DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",GPU_I_ID="3"} 0.5\nDCGM_FI_DEV_GPU_UTIL{gpu="0",GPU_I_ID="3"} 99\n'
    (reading,) = history("dcgm").read(page, unix_s=0.0, at_s=0.0, took_s=0.0)
    assert (reading.gpu, reading.gpu_utilization_ratio) == ("0.3", 0.5)


def test_a_page_of_another_kind_is_no_reading() -> None:
    reading = read(history("vllm"), pages.TGI)
    assert (reading.up, reading.why) == (False, "the page holds none of the metrics of vllm")


@pytest.mark.parametrize(
    ("running", "waiting", "kv_cache", "capacity", "expected"),
    [
        (3, 1, 0.1, 10, 1.0),
        (3, 0, 0.1, 10, 0.3),
        (3, 0, 0.6, 10, 0.6),
        (3, 0, 0.6, None, 0.6),
        (12, 0, 0.6, 10, 1.0),
    ],
)
def test_saturation(running: int, waiting: int, kv_cache: float, capacity: int | None, expected: float) -> None:
    values = {"num_requests_running": running, "num_requests_waiting": waiting, "kv_cache_usage_perc": kv_cache}
    page = "".join(f"vllm:{name} {value}\n" for name, value in values.items())
    assert read(history("vllm", capacity=capacity), page).saturation_ratio == pytest.approx(expected)


def test_saturation_is_not_known_without_capacity_and_cache() -> None:
    assert read(history("litellm"), pages.LITELLM).saturation_ratio is None


def test_every_field_has_a_column_and_survives_a_row() -> None:
    names = [column.name for column in COLUMNS]
    assert names[: len(fields(BackendReading))] == [field.name for field in fields(BackendReading)]
    reading = read(history("vllm"), pages.VLLM)
    assert list(to_row(reading)) == names
    assert from_row(to_row(reading)) == reading


def test_the_tables_fill_fields_that_exist() -> None:
    known = {field.name for field in fields(BackendReading)} | {"used", "free", "reserved"}
    for vocabulary in VOCABULARIES.values():
        counters = [name for name, _ in vocabulary.every_counter()]
        assert {*vocabulary.gauges, *vocabulary.ratios, *counters} <= known
