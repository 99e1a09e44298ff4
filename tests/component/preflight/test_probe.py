from __future__ import annotations

from typing import Any

import pytest

from raysim.core.behaviour.endpoint import PATHS, EndpointKind, EndpointPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.pricing import Price
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.preflight.page import Request
from raysim.preflight.probe import PROBE_TOKENS, judge_probe, probe_request
from tests.component.preflight.said import ROUTER, said, silent

TARGET = TargetPlan("static", ROUTER, "", AuthPlan(), 1.0, 1.0, 1.0)
KEY = Secret("sk-hunter2")
ASKED = Request(ROUTER, "/v1/chat/completions", "POST", {}, KEY)


def body_of(kind: EndpointKind, template: dict[str, Any] | None = None) -> dict[str, Any]:
    request = probe_request(TARGET, EndpointPlan(kind, path=PATHS[kind], template=template), "m", KEY)
    assert request.url == ROUTER + PATHS[kind]
    assert request.secret == KEY
    found: dict[str, Any] = request.body
    return found


def test_a_probe_is_small_and_not_streamed() -> None:
    assert body_of("chat") == {
        "model": "m", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": PROBE_TOKENS
    }  # fmt: skip
    assert body_of("completions") == {"model": "m", "prompt": "Say hello.", "max_tokens": PROBE_TOKENS}
    assert body_of("embeddings") == {"model": "m", "input": "Say hello."}


def test_an_endpoints_own_fields_are_kept_but_for_length_and_streaming() -> None:
    template = {
        "max_tokens": None, "max_completion_tokens": 4000, "stream": True, "stream_options": {"include_usage": True},
        "seed": 7, "user": "{user_id}",
    }  # fmt: skip
    body = body_of("chat", template)
    assert (body["max_completion_tokens"], body["seed"], body["user"]) == (PROBE_TOKENS, 7, "")
    assert not {"max_tokens", "stream", "stream_options"} & set(body)


def test_an_answer_says_what_it_cost() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 16}
    check = judge_probe("m", said(200, {"usage": usage}, request=ASKED), Price(2.5, 10.0))
    assert check.verdict == "passed"
    assert check.found == "answered 200 in 0.20 s, 10 + 16 tokens, $0.000185"
    assert judge_probe("m", said(200, {"usage": usage}, request=ASKED), None).found.endswith("10 + 16 tokens")
    assert "without saying how many tokens" in judge_probe("m", said(200, {}, request=ASKED), None).found
    assert judge_probe("m", said(200, {"usage": {"prompt_tokens": "x"}}, request=ASKED), None).verdict == "passed"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"Incorrect API key: sk-hunter2", "the key is not taken"),
        (403, b"sk-hunter2", "the key is not taken"),
        (404, {"error": {"message": "no model m for sk-hunter2"}}, "no model m for ***"),
        (400, b"max_tokens too small", "max_tokens too small"),
        (503, b"loading", "loading"),
        (200, b"<html>", "not with JSON"),
        (302, b"", "answered 302"),
    ],
)
def test_a_model_that_does_not_answer_fails_without_showing_the_key(status: int, body: object, words: str) -> None:
    check = judge_probe("m", said(status, body, request=ASKED), None)
    assert (check.name, check.verdict) == ("request to m", "failed")
    assert words in check.found
    assert "hunter2" not in str(check)


def test_a_server_that_can_only_stream_answers_too() -> None:
    page = said(200, b"data: {}\n\n", request=ASKED, content_type="text/event-stream; charset=utf-8")
    assert judge_probe("m", page, None).verdict == "passed"


def test_silence_fails() -> None:
    assert judge_probe("m", silent(ErrorKind.TIMEOUT_TOTAL, ASKED), None).verdict == "failed"
