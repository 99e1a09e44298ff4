"""`spec.models`: prices and sizes of models, beside those that raysim knows."""

from __future__ import annotations

from pydantic import Field

from raysim.core.config.base import Count, NonNegative, Part, Positive
from raysim.core.pricing import KNOWN_PRICES, Price


class ModelSpec(Part):
    """What a model costs and can take. Replaces what the built-in table says about it."""

    input_usd_per_million: NonNegative = Field(description="price of a million prompt tokens, in USD")
    output_usd_per_million: NonNegative = Field(description="price of a million generated tokens, in USD")
    context_window: Count | None = Field(None, description="longest prompt and answer together, in tokens")
    theoretical_tps: Positive | None = Field(None, description="tokens/s it could reach, for the efficiency ratio")

    def to_price(self) -> Price:
        """The entry for the run's price table."""
        return Price(self.input_usd_per_million, self.output_usd_per_million, self.context_window, self.theoretical_tps)


def price_of(model: str, models: dict[str, ModelSpec]) -> Price | None:
    """The price of `model`: the scenario's own, else the built-in one; None when there is neither."""
    own = models.get(model)
    return own.to_price() if own is not None else KNOWN_PRICES.get(model)
