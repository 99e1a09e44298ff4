"""Bytes of inference answers: JSON documents, and the frames of a stream, rendered once a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from raysim.core.rng import Stream
from raysim.simplatform.openai_request import Ask, Endpoint
from raysim.simplatform.text import Answer, embedding, embedding_base64

if TYPE_CHECKING:
    from collections.abc import Callable

#: what stands for the text when a chunk is rendered to be split around it
_MARK = "\x00"
_MARK_BYTES = orjson.dumps(_MARK)[1:-1]
_LAST_CHUNK = b"0\r\n\r\n"


def usage(ask: Ask, completion_tokens: int) -> dict[str, int]:
    """The `usage` object."""
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": ask.prompt_tokens + completion_tokens,
    }


def completion_id(ask: Ask, number: int) -> str:
    """The id of answer `number` of this platform."""
    return f"{'chatcmpl' if ask.endpoint is Endpoint.CHAT else 'cmpl'}-{number:012x}"


def whole_answer(ask: Ask, answer: Answer, *, identifier: str, created: int, extra_tokens: int = 0) -> bytes:
    """A chat or text completion that was not streamed. Its usage states `extra_tokens` that were never generated."""
    choice: dict[str, object] = {"index": 0, "finish_reason": answer.finish_reason, "logprobs": None}
    text = answer.text(answer.tokens)
    if ask.endpoint is Endpoint.CHAT:
        choice["message"] = {"role": "assistant", "content": text}
    else:
        choice["text"] = text
    return orjson.dumps(
        {
            "id": identifier,
            "object": "chat.completion" if ask.endpoint is Endpoint.CHAT else "text_completion",
            "created": created,
            "model": ask.model,
            "choices": [choice],
            "usage": usage(ask, answer.tokens + extra_tokens),
        }
    )


def inference_answer(
    ask: Ask,
    answer: Answer,
    *,
    latency_s: float,
    usd: float,
    within_budget: bool,
    trace_id: str,
    extra_tokens: int = 0,
) -> bytes:
    """The answer of `/v1/inference`."""
    return orjson.dumps(
        {
            "request_id": ask.reference,
            "output": {"text": answer.text(answer.tokens), "finish_reason": answer.finish_reason},
            "usage": {
                "tokens_input": ask.prompt_tokens,
                "tokens_output": answer.tokens + extra_tokens,
                "latency_ms": round(latency_s * 1000),
                "cost_usd": usd,
                "limit_state": "WITHIN_LIMIT" if within_budget else "EXCEEDED",
            },
            "trace_id": trace_id,
        }
    )


def embeddings_answer(ask: Ask, *, seed: int, dimensions: int) -> bytes:
    """The answer of `/v1/embeddings`: the same text always has the same vector."""
    vectors = (embedding(Stream.of(seed, "embedding", ask.model, text), dimensions) for text in ask.texts)
    encode: Callable[[list[float]], object] = embedding_base64 if ask.base64 else list
    return orjson.dumps(
        {
            "object": "list",
            "model": ask.model,
            "data": [
                {"object": "embedding", "index": index, "embedding": encode(vector)}
                for index, vector in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": ask.prompt_tokens, "total_tokens": ask.prompt_tokens},
        }
    )


@dataclass(frozen=True, slots=True)
class StreamFrames:
    """One stream's events, already framed as HTTP chunks. Only the text of a token is put in later."""

    opening: bytes
    before_text: bytes
    after_text: bytes
    closing: bytes

    def token(self, text: bytes) -> bytes:
        """The frame of one token; `text` is escaped for JSON."""
        before, after = self.before_text, self.after_text
        return b"%x\r\n%b%b%b\r\n" % (len(before) + len(text) + len(after), before, text, after)


def stream_frames(ask: Ask, answer: Answer, *, identifier: str, created: int, extra_tokens: int = 0) -> StreamFrames:
    """The frames of the stream that answers `ask`. Its usage states `extra_tokens` that were never generated."""
    chat = ask.endpoint is Endpoint.CHAT
    base = {
        "id": identifier,
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": created,
        "model": ask.model,
    }

    def event(content: dict[str, object], finish_reason: str | None) -> bytes:
        part = {"delta": content} if chat else {"text": content.get("content", ""), "logprobs": None}
        return _event({**base, "choices": [{"index": 0, **part, "finish_reason": finish_reason}]})

    before, after = event({"content": _MARK}, None).split(_MARK_BYTES)
    closing = _chunk(event({}, answer.finish_reason))
    if ask.include_usage:
        closing += _chunk(_event({**base, "choices": [], "usage": usage(ask, answer.tokens + extra_tokens)}))
    return StreamFrames(
        opening=_chunk(event({"role": "assistant", "content": ""}, None)) if chat else b"",
        before_text=before,
        after_text=after,
        closing=closing + _chunk(b"data: [DONE]\n\n") + _LAST_CHUNK,
    )


def _event(document: dict[str, object]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
