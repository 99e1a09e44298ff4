"""Pieces of streamed answers, as servers write them."""

from __future__ import annotations

from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}
WHOLE = {"content-type": "application/json"}


def event(fields: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(fields) + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    """One event with one choice."""
    return event({"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more})


def words(*texts: str) -> list[bytes]:
    return [chunk({"content": text}) for text in texts]


def usage(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk(finish="stop")
