"""What is sent to an endpoint: the OpenAI dialect's bodies, with a scenario's own fields merged in. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from raysim.core.behaviour.endpoint import LIMIT_FIELDS, EndpointPlan
from raysim.core.behaviour.template import fill
from raysim.core.pricing import prompt_bound
from raysim.core.records.request import ABSENT

#: how many answers to one prompt are wanted, or made to choose from
_ANSWER_FIELDS = ("n", "best_of")


class Ask(msgspec.Struct, frozen=True):
    """What a user wants to know, before it takes an endpoint's form.

    `messages` are (role, text), the question last; `temperature` None leaves it to the platform.
    """

    question: str
    messages: tuple[tuple[str, str], ...]
    model: str
    max_tokens: int
    temperature: float | None


class Body(msgspec.Struct, frozen=True):
    """A request's body, and what it asks for: `model` empty and `max_tokens` ABSENT where it names none.

    `most_prompt_tokens` bounds the prompt; `most_tokens` the generation of each of its `answers`, None for nothing but
    the model's context.
    """

    data: bytes
    model: str
    max_tokens: int
    most_prompt_tokens: int = 0
    most_tokens: int | None = None
    answers: int = 1


def request_body(endpoint: EndpointPlan, ask: Ask, values: Mapping[str, str | int], *, stream: bool) -> Body:
    """The body of one request.

    Args:
        endpoint: where it goes.
        ask: what it asks.
        values: what placeholders stand for.
        stream: whether a streamed answer is asked for.
    """
    fields = _fields(endpoint, ask, stream=stream)
    if endpoint.template is not None:
        for name, value in endpoint.template.items():
            fields[name] = fill(value, values)
        fields = {name: value for name, value in fields.items() if value is not None or name not in endpoint.template}
    elif not fields:
        return Body(b"", "", ABSENT)
    model = fields.get("model")
    limits = [limit for name in LIMIT_FIELDS if type(limit := fields.get(name)) is int]
    bounds = limits
    if not endpoint.generates:
        # embeddings generate nothing; what another API wraps its request in may hold the limit, too
        bounds = [0] if endpoint.kind == "embeddings" else list(_numbers(fields, LIMIT_FIELDS))
    data = msgspec.json.encode(fields)
    return Body(
        data,
        model if isinstance(model, str) else "",
        max(limits, default=ABSENT),
        _prompt_bound(endpoint, ask, data),
        max(bounds, default=None),
        max([1, *_numbers(fields, _ANSWER_FIELDS)]),
    )


def _prompt_bound(endpoint: EndpointPlan, ask: Ask, data: bytes) -> int:
    if endpoint.template is not None:
        # whatever it holds, JSON has at least a byte for each byte of a text
        return prompt_bound(len(data))
    texts = [text for _, text in ask.messages] if endpoint.kind == "chat" else [ask.question]
    return prompt_bound(sum(len(text) if text.isascii() else len(text.encode()) for text in texts), len(texts))


def _numbers(fields: Mapping[str, Any], names: Collection[str]) -> Iterator[int]:
    """Numbers of these names, however deep in a body."""
    for name, value in fields.items():
        if name in names and type(value) is int:
            yield value
        elif isinstance(value, Mapping):
            yield from _numbers(value, names)


def _fields(endpoint: EndpointPlan, ask: Ask, *, stream: bool) -> dict[str, Any]:
    match endpoint.kind:
        case "chat":
            fields: dict[str, Any] = {
                "model": ask.model,
                "messages": [{"role": role, "content": text} for role, text in ask.messages],
            }
        case "completions":
            fields = {"model": ask.model, "prompt": ask.question}
        case "embeddings":
            return {"model": ask.model, "input": ask.question}
        case _:
            return {}
    fields["max_tokens"] = ask.max_tokens
    if ask.temperature is not None:
        fields["temperature"] = round(ask.temperature, 4)
    if stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    return fields
