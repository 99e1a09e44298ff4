from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.quantity import format_memory, format_number, parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("1Gi", "1073741824"),
        ("128974848", "128974848"),
        ("129e6", "129000000"),
        ("129E6", "129000000"),
        ("1E", "1e18"),
        ("123Mi", "128974848"),
        ("1.5Ki", "1536"),
        (".5", "0.5"),
        ("100n", "1e-7"),
        ("-1", "-1"),
        ("1500000u", "1.5"),
    ],
)
def test_an_amount_is_what_kubernetes_takes_it_for(text: str, amount: str) -> None:
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1GB", "1gi", "one", "1e", "0x10", "1Ei6"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an amount such as"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=2**50))
def test_bytes_survive_being_written_and_read(size: int) -> None:
    assert parse_quantity(format_memory(Decimal(size))) == size


@given(st.decimals(min_value=0, max_value=10_000, places=3))
def test_cores_survive_being_written_and_read(cores: Decimal) -> None:
    assert parse_quantity(format_number(cores)) == cores


@pytest.mark.parametrize(
    ("size", "text"), [(2**30, "1Gi"), (1536 * 2**20, "1.5Gi"), (1920 * 2**20, "1920Mi"), (7, "7")]
)
def test_memory_is_written_as_people_do(size: int, text: str) -> None:
    assert format_memory(Decimal(size)) == text
