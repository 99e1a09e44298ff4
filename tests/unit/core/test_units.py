from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.units import format_duration, parse_cpu, parse_duration, parse_memory


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1m0.25s", 60.25),
        ("3us", 3e-6),
        ("0", 0.0),
        (" 10s ", 10.0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("90", "90s for seconds"),
        ("1.5", "without a unit"),
        ("-5s", "negative"),
        ("", "such as 90s"),
        ("5 s", "such as 90s"),
        ("5d", "such as 90s"),
        ("s", "such as 90s"),
        ("1h30", "such as 90s"),
        ("five minutes", "such as 90s"),
    ],
)
def test_what_is_no_duration_is_refused_with_advice(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_every_duration_reads_as_it_was_written(nanoseconds: int) -> None:
    seconds = nanoseconds / 1e9
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    expected = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{milliseconds}ms") == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (90.0, "1m30s"), (5400.0, "1h30m"), (0.5, "500ms"), (1.5, "1.5s"), (2.5e-6, "2.5us"), (3600.0, "1h")],
)
def test_durations_are_written_shortly(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_negative_duration_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(-1.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512Mi", 512 * 1024**2), ("1Gi", 1024**3), ("500M", 500_000_000), ("1k", 1000), ("1.5Ki", 1536), ("42", 42)],
)
def test_memory_is_read(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(("text", "cores"), [("500m", 0.5), ("2", 2.0), ("1.5", 1.5), ("1000m", 1.0)])
def test_cpu_is_read(text: str, cores: float) -> None:
    assert parse_cpu(text) == cores


@pytest.mark.parametrize("text", ["", "5XB", "-1Gi", "512 Mi", "Mi"])
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="512Mi"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["", "5k", "-1", "m", "500mm"])
def test_what_is_no_cpu_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="500m"):
        parse_cpu(text)
