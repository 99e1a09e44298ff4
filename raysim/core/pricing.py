"""What tokens cost, computed in one way by everyone who counts dollars."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: money that is shared out is counted in whole picodollars, so that adding it up in any order loses nothing
PICODOLLARS = 10**12
#: chat templates put marks around each message (about five tokens), and some a system message of their own before all
#: (that of gpt-oss has about seventy)
_MESSAGE_TOKENS = 8
_TEMPLATE_TOKENS = 96
#: what a generation is taken to be bounded by when neither the request nor the model's context window bounds it
_UNBOUNDED_TOKENS = 131_072


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs and what it can do.

    Args:
        input_usd_per_million: dollars for a million prompt tokens.
        output_usd_per_million: dollars for a million completion tokens; 0 for embeddings.
        context_window: most tokens of prompt and completion together; None when not known.
        theoretical_tps: tokens per second that one stream reaches at best; None when not known.
    """

    input_usd_per_million: float
    output_usd_per_million: float
    context_window: int | None = None
    theoretical_tps: float | None = None


def cost_usd(price: Price, prompt_tokens: int, completion_tokens: int) -> float:
    """Dollars for one request: each side times its price per million, then the sum.

    The order of operations is part of the contract: a platform and its client that both use it agree exactly.
    """
    return prompt_tokens * price.input_usd_per_million / 1e6 + completion_tokens * price.output_usd_per_million / 1e6


def prompt_bound(text_bytes: int, messages: int = 1) -> int:
    """The most tokens that a prompt of so many bytes, in so many messages, can be counted as.

    A token of a byte-level vocabulary (BPE, or SentencePiece with byte fallback) stands for at least one byte of the
    text; what a chat template adds is covered by fixed numbers. Images and files that a request refers to by their
    address are not bounded by it.
    """
    return text_bytes + messages * _MESSAGE_TOKENS + _TEMPLATE_TOKENS


def most_usd(price: Price, most_prompt_tokens: int, most_tokens: int | None, answers: int = 1) -> float:
    """The most that one request can cost.

    Args:
        price: the model's price.
        most_prompt_tokens: what bounds its prompt, see `prompt_bound`.
        most_tokens: its generation limit; None for none, which leaves the model's context window.
        answers: how many answers it asks for.
    """
    if most_tokens is None:
        most_tokens = price.context_window or _UNBOUNDED_TOKENS
    return cost_usd(price, most_prompt_tokens, most_tokens * answers)


def picodollars(usd: float) -> int:
    """Dollars as whole picodollars, rounded up: what was or may be spent."""
    return math.ceil(usd * PICODOLLARS)


def picodollars_within(usd: float) -> int:
    """Dollars as whole picodollars, rounded down: what may be spent."""
    return math.floor(usd * PICODOLLARS)


def dollars(picos: int) -> float:
    """Whole picodollars as dollars."""
    return picos / PICODOLLARS


#: list prices of hosted models, and what renting the hardware comes to for open ones; a scenario's `models` overrides
KNOWN_PRICES: dict[str, Price] = {
    "gpt-4o": Price(2.50, 10.00, 128_000, 80.0),
    "gpt-4o-mini": Price(0.15, 0.60, 128_000, 120.0),
    "gpt-4.1": Price(2.00, 8.00, 1_047_576, 90.0),
    "gpt-4.1-mini": Price(0.40, 1.60, 1_047_576, 100.0),
    "gpt-4.1-nano": Price(0.10, 0.40, 1_047_576, 150.0),
    "gpt-4-turbo": Price(10.00, 30.00, 128_000, 40.0),
    "gpt-4": Price(30.00, 60.00, 8_192, 30.0),
    "gpt-3.5-turbo": Price(0.50, 1.50, 16_385, 100.0),
    "o1": Price(15.00, 60.00, 200_000, None),
    "o3": Price(2.00, 8.00, 200_000, None),
    "o3-mini": Price(1.10, 4.40, 200_000, None),
    "o4-mini": Price(1.10, 4.40, 200_000, None),
    "claude-3-5-sonnet": Price(3.00, 15.00, 200_000, 70.0),
    "claude-3-5-haiku": Price(0.80, 4.00, 200_000, 80.0),
    "claude-3-haiku": Price(0.25, 1.25, 200_000, 120.0),
    "claude-3-opus": Price(15.00, 75.00, 200_000, 30.0),
    "gemini-1.5-pro": Price(1.25, 5.00, 2_097_152, 60.0),
    "gemini-1.5-flash": Price(0.075, 0.30, 1_048_576, 150.0),
    "gemini-2.0-flash": Price(0.10, 0.40, 1_048_576, 160.0),
    "mistral-large": Price(2.00, 6.00, 128_000, 50.0),
    "mistral-7b-instruct": Price(0.10, 0.10, 32_768, 100.0),
    "mixtral-8x7b-instruct": Price(0.45, 0.45, 32_768, 80.0),
    "llama-3-8b-instruct": Price(0.05, 0.10, 8_192, 62.0),
    "llama-3-70b-instruct": Price(0.60, 0.80, 8_192, 35.0),
    "llama-3.1-8b-instruct": Price(0.05, 0.10, 131_072, 62.0),
    "llama-3.1-70b-instruct": Price(0.60, 0.80, 131_072, 35.0),
    "llama-3.3-70b-instruct": Price(0.60, 0.80, 131_072, 35.0),
    "qwen2.5-7b-instruct": Price(0.05, 0.10, 131_072, 65.0),
    "qwen2.5-72b-instruct": Price(0.60, 0.80, 131_072, 35.0),
    "deepseek-chat": Price(0.27, 1.10, 65_536, 50.0),
    "text-embedding-3-small": Price(0.02, 0.0, 8_191, None),
    "text-embedding-3-large": Price(0.13, 0.0, 8_191, None),
    "text-embedding-ada-002": Price(0.10, 0.0, 8_191, None),
}
