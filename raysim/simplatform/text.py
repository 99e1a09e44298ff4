"""The words of answers, how long answers are, and how prompts are counted. Deterministic."""

from __future__ import annotations

import math
from array import array
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from raysim.core.rng import Stream

if TYPE_CHECKING:
    from raysim.simplatform.config import OutputTokens

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4

_PROSE = (
    "The short answer depends on what you want to keep and what you can give up.",
    "Start with the part that is measured, and leave the part that is guessed for later.",
    "Most of the time goes into waiting, so it helps to know what is waited for.",
    "In the early years the trade followed the rivers, and towns grew where boats had to stop.",
    "Take the first number, double it, and compare the result with the sum of the others.",
    "The northern coast is colder than its latitude suggests, because the current turns away from it.",
    "If the cache were larger, fewer requests would reach the disk, but each miss would cost more.",
    "Historians disagree about the cause, although the sequence of events is well known.",
    "A queue grows when work arrives faster than it leaves, and it does not shrink by itself.",
    "Suppose that every house had its own mill; bread would be cheaper and flour would be coarser.",
    "The formula holds for small angles, and the error grows with the square of the angle.",
    "Write the test before the change, and read its failure before you trust its success.",
    "Three mountain passes connect the two valleys, of which only one is open in winter.",
    "The committee met twice that spring and published a report that few people read.",
    "To find the remainder, subtract the divisor until what is left is smaller than it.",
    "In short, choose the simpler of the two unless the measurements tell you otherwise.",
)


def _split() -> tuple[tuple[str, ...], tuple[int, ...]]:
    pieces: list[str] = []
    starts: list[int] = []
    for sentence in _PROSE:
        starts.append(len(pieces))
        pieces.extend(f" {word}" for word in sentence.split())
    return tuple(pieces), tuple(starts)


_PIECES, _STARTS = _split()
#: each piece as the inside of a JSON string
_JSON_PIECES = tuple(orjson.dumps(piece)[1:-1] for piece in _PIECES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model will say: `tokens` pieces of prose from `start` on."""

    start: int
    tokens: int
    finish_reason: str

    def piece(self, index: int) -> bytes:
        """Token `index` of the answer, escaped for a JSON string."""
        piece = _JSON_PIECES[(self.start + index) % len(_JSON_PIECES)]
        return piece if index else piece[1:]

    def text(self, tokens: int) -> str:
        """The first `tokens` tokens."""
        pieces = (_PIECES[(self.start + index) % len(_PIECES)] for index in range(tokens))
        return "".join(pieces).lstrip()


def answer_to(stream: Stream, length: OutputTokens, *, max_tokens: int | None, room: int | None, fill: bool) -> Answer:
    """The answer that `stream` decides.

    Args:
        stream: random numbers of this prompt.
        length: lengths that the model's answers have.
        max_tokens: the most that the request allows; None for no limit.
        room: what the context window leaves; None for no limit.
        fill: generate as many tokens as allowed (`ignore_eos`).
    """
    start = _STARTS[stream.below(len(_STARTS))]
    wanted = stream.between(length.min, length.max)
    allowed = min(limit for limit in (max_tokens, room, math.inf) if limit is not None)
    if fill and allowed < math.inf:
        return Answer(start, int(allowed), "length")
    return Answer(start, int(min(wanted, allowed)), "length" if wanted > allowed else "stop")


def tokens_in_text(text: str) -> int:
    """Tokens of `text`: a quarter of its characters, rounded up, and at least 1."""
    return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))


def tokens_in_message(text: str) -> int:
    """Tokens of a chat message with this text: ceil(characters / 4) + 4."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN) + _TOKENS_PER_MESSAGE


def embedding(stream: Stream, dimensions: int) -> list[float]:
    """A unit vector that `stream` decides."""
    values = [stream.random() * 2 - 1 for _ in range(dimensions)]
    length = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def embedding_base64(values: list[float]) -> str:
    """`values` as little-endian 32-bit floats in base64, as `encoding_format: base64` asks for."""
    return b64encode(array("f", values).tobytes()).decode()
