from __future__ import annotations

import pytest

from raysim.core.pricing import KNOWN_PRICES, Price, cost_usd


@pytest.mark.parametrize(
    ("prompt", "completion", "usd"), [(0, 0, 0.0), (1_000_000, 0, 2.5), (0, 1_000_000, 10.0), (100, 50, 0.00075)]
)
def test_cost(prompt: int, completion: int, usd: float) -> None:
    assert cost_usd(Price(2.5, 10.0), prompt, completion) == pytest.approx(usd, rel=1e-12)


def test_the_order_of_operations_is_fixed() -> None:
    price = Price(0.15, 0.6)
    assert cost_usd(price, 333, 777) == 333 * 0.15 / 1e6 + 777 * 0.6 / 1e6


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "llama-3-8b-instruct", "text-embedding-3-small"])
def test_the_simulated_models_are_known(model: str) -> None:
    assert KNOWN_PRICES[model].input_usd_per_million > 0


def test_known_prices_make_sense() -> None:
    for price in KNOWN_PRICES.values():
        assert price.input_usd_per_million > 0
        assert price.output_usd_per_million >= 0
        assert price.context_window is None or price.context_window > 1000
