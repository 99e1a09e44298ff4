from __future__ import annotations

import pytest

from raysim.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (float("nan"), "-"), (0, "0"), (0.0421, "0.0421"), (4.214, "4.21"), (42.14, "42.1"), (4211, "4,211")],
)
def test_three_digits_that_matter(value: float | None, text: str) -> None:
    assert numbers.digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0 ms"), (2e-5, "20.0 us"), (0.0421, "42.1 ms"), (4.2, "4.20 s")]
)
def test_measured_times(value: float | None, text: str) -> None:
    assert numbers.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0.0s"), (8.42, "8.4s"), (9.97, "10s"), (59.7, "1m00s"), (65.0, "1m05s"), (7380.0, "2h03m")],
)
def test_times_on_the_wall(value: float | None, text: str) -> None:
    assert numbers.elapsed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "$0.00"), (1234.5, "$1,234.50"), (0.357, "$0.357"), (1.2e-5, "$0.0000120")]
)
def test_dollars(value: float | None, text: str) -> None:
    assert numbers.usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0%"), (0.00042, "0.042%"), (0.042, "4.2%"), (0.42, "42.0%"), (0.99999, "100%"), (1.0, "100%")],
)
def test_shares(value: float | None, text: str) -> None:
    assert numbers.share(value) == text
