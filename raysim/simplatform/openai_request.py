"""What a body sent to an inference endpoint asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from raysim.simplatform.text import tokens_in_message, tokens_in_text

_MOST_INPUTS = 256
_MOST_TOKENS = 1_000_000


class Endpoint(Enum):
    """Which inference endpoint."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
    INFERENCE = "/v1/inference"


class InvalidRequest(Exception):  # noqa: N818 - an answer of the service, not a fault of the program
    """The body is refused with 400, a code and a text."""

    def __init__(self, text: str, *, code: str = "VALIDATION_ERROR") -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Ask:
    """An inference request, checked.

    Args:
        texts: the prompt, which decides the answer: messages, one prompt, or the inputs to embed.
        max_tokens: the most to generate; None for no limit.
        fill: generate exactly that many (`ignore_eos`).
        include_usage: a stream ends with its usage.
        base64: embeddings as base64.
        reference: the body's own `request_id`, on `/v1/inference`.
    """

    endpoint: Endpoint
    model: str
    texts: tuple[str, ...]
    prompt_tokens: int
    max_tokens: int | None = None
    fill: bool = False
    stream: bool = False
    include_usage: bool = False
    base64: bool = False
    reference: str = ""


def parse_ask(endpoint: Endpoint, body: bytes, *, modern: bool) -> Ask:
    """The request in `body`.

    Args:
        endpoint: where it was sent.
        body: JSON.
        modern: False reads only `model`, `messages` (or `prompt`), `max_tokens`, `temperature` and `stream`.

    Raises:
        InvalidRequest: it is not valid.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"invalid JSON: {error}", code="INVALID_REQUEST") from error
    if not isinstance(data, dict):
        raise InvalidRequest("the body must be a JSON object", code="INVALID_REQUEST")
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequest("model is required")
    match endpoint:
        case Endpoint.CHAT:
            texts, tokens = _messages(data.get("messages"))
        case Endpoint.COMPLETIONS:
            texts, tokens = _one_prompt(data.get("prompt"))
        case Endpoint.EMBEDDINGS:
            texts, tokens = _inputs(data.get("input"), "input")
            return Ask(endpoint, model, texts, tokens, base64=data.get("encoding_format") == "base64")
        case _:
            return _inference(data, model)
    return _generation(endpoint, data, model, texts, tokens, modern=modern)


def _generation(
    endpoint: Endpoint, data: dict[str, Any], model: str, texts: tuple[str, ...], tokens: int, *, modern: bool
) -> Ask:
    max_tokens = _count(data, "max_tokens")
    _check_temperature(data)
    stream = _flag(data, "stream")
    if not modern:
        return Ask(endpoint, model, texts, tokens, max_tokens, stream=stream)
    newer = _count(data, "max_completion_tokens")
    if data.get("n", 1) != 1:
        raise InvalidRequest("n must be 1")
    options = data.get("stream_options") or {}
    if not isinstance(options, dict):
        raise InvalidRequest("stream_options must be an object")
    return Ask(
        endpoint,
        model,
        texts,
        tokens,
        max_tokens if newer is None else newer,
        fill=_flag(data, "ignore_eos"),
        stream=stream,
        include_usage=stream and _flag(options, "include_usage"),
    )


def _inference(data: dict[str, Any], model: str) -> Ask:
    reference = data.get("request_id")
    if not isinstance(reference, str) or not reference:
        raise InvalidRequest("request_id is required")
    payload = data.get("payload")
    max_tokens = None
    if isinstance(payload, dict):
        max_tokens = _count(payload, "max_tokens")
        if "messages" in payload:
            texts, tokens = _messages(payload["messages"])
        else:
            texts, tokens = _one_prompt(payload.get("prompt", payload.get("input")))
    else:
        texts, tokens = _one_prompt(payload)
    return Ask(Endpoint.INFERENCE, model, texts, tokens, max_tokens, reference=reference)


def _messages(messages: object) -> tuple[tuple[str, ...], int]:
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages must be a non-empty array")
    texts = tuple(_message(message) for message in messages)
    return texts, sum(map(tokens_in_message, texts))


def _message(message: object) -> str:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise InvalidRequest("each message must be an object with a role")
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(str(part.get("text", "")) for part in content)
    raise InvalidRequest("a message's content must be a string or an array of parts")


def _one_prompt(prompt: object) -> tuple[tuple[str, ...], int]:
    texts, tokens = _inputs(prompt, "prompt")
    if len(texts) > 1:
        raise InvalidRequest("prompt must hold one text")
    return texts, tokens


def _inputs(value: object, name: str) -> tuple[tuple[str, ...], int]:
    """One text, several, or the same as token ids."""
    items = value if isinstance(value, list) and not _is_ids(value) else [value]
    if not 0 < len(items) <= _MOST_INPUTS:
        raise InvalidRequest(f"{name} must hold between 1 and {_MOST_INPUTS} texts")
    texts: list[str] = []
    tokens = 0
    for item in items:
        if isinstance(item, str):
            texts.append(item)
            tokens += tokens_in_text(item)
        elif isinstance(item, list) and _is_ids(item):
            texts.append(" ".join(map(str, item)))
            tokens += len(item)
        else:
            raise InvalidRequest(f"{name} must be a string, an array of strings or token ids")
    return tuple(texts), tokens


def _is_ids(value: list[Any]) -> bool:
    return bool(value) and all(type(item) is int for item in value)


def _count(data: dict[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= _MOST_TOKENS:
        raise InvalidRequest(f"{name} must be a whole number of at least 1")
    return value


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true or false")
    return value


def _check_temperature(data: dict[str, Any]) -> None:
    value = data.get("temperature")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 2):  # noqa: PLR2004 - the documented range
        raise InvalidRequest("temperature must be a number between 0 and 2")
