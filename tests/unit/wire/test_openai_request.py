from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.endpoint import CHAT, EndpointPlan
from raysim.core.records.request import ABSENT
from raysim.simplatform.text import tokens_in_message
from raysim.wire.openai_request import Ask, Body, request_body

ASK = Ask('Why "ï"?', (("system", "be kind"), ("user", 'Why "ï"?')), "m", 9, 0.123456)
VALUES: dict[str, str | int] = {
    "question": ASK.question,
    "model": "m",
    "max_tokens": 9,
    "org_id": "o1",
    "user_id": "u1",
    "request_id": "r1",
}


def sent(endpoint: EndpointPlan, *, stream: bool = False) -> tuple[object, str, int]:
    body = request_body(endpoint, ASK, VALUES, stream=stream)
    return orjson.loads(body.data), body.model, body.max_tokens


def test_a_chat_asks_for_usage_only_in_a_stream() -> None:
    fields = {
        "model": "m",
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": 'Why "ï"?'}],
        "max_tokens": 9,
        "temperature": 0.1235,
    }
    assert sent(CHAT) == (fields, "m", 9)
    assert sent(CHAT, stream=True)[0] == fields | {"stream": True, "stream_options": {"include_usage": True}}


def test_a_temperature_that_is_not_given_is_left_to_the_platform() -> None:
    body = request_body(CHAT, Ask("q", (("user", "q"),), "m", 9, None), VALUES, stream=False)
    assert orjson.loads(body.data).keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("endpoint", "fields", "model", "limit"),
    [
        (
            EndpointPlan("completions"),
            {"model": "m", "prompt": 'Why "ï"?', "max_tokens": 9, "temperature": 0.1235},
            "m",
            9,
        ),
        (EndpointPlan("embeddings"), {"model": "m", "input": 'Why "ï"?'}, "m", ABSENT),
        (
            EndpointPlan("embeddings", template={"model": "e", "input": ["{question}", "{user_id}"]}),
            {"model": "e", "input": ['Why "ï"?', "u1"]},
            "e",
            ABSENT,
        ),
        (
            EndpointPlan("custom", template={"request_id": "{request_id}", "payload": {"max_tokens": "{max_tokens}"}}),
            {"request_id": "r1", "payload": {"max_tokens": 9}},
            "",
            ABSENT,
        ),
        (EndpointPlan("custom", template={}), {}, "", ABSENT),
        (EndpointPlan("custom", template={"a": None, "b": {"c": None}}), {"b": {"c": None}}, "", ABSENT),
    ],
)
def test_bodies(endpoint: EndpointPlan, fields: object, model: str, limit: int) -> None:
    assert sent(endpoint) == (fields, model, limit)


@pytest.mark.parametrize("kind", ["orgs", "custom"])
def test_without_a_template_these_have_no_body(kind: str) -> None:
    endpoint = EndpointPlan(kind, method="GET")  # type: ignore[arg-type]
    assert request_body(endpoint, ASK, VALUES, stream=False) == Body(b"", "", ABSENT)


@pytest.mark.parametrize(
    ("endpoint", "most_tokens", "answers"),
    [
        (CHAT, 9, 1),
        (EndpointPlan(kind="completions", template={"n": 3, "max_tokens": "{max_tokens}"}), VALUES["max_tokens"], 3),
        (EndpointPlan(template={"max_completion_tokens": 700, "best_of": 2}), 700, 2),
        (EndpointPlan(template={"max_tokens": None}), None, 1),
        (EndpointPlan(kind="embeddings"), 0, 1),
        (EndpointPlan(kind="custom", template={"model": "m", "payload": {"max_tokens": 5, "n": 2}}), 5, 2),
        (EndpointPlan(kind="custom", template={"model": "m", "max_tokens": "many"}), None, 1),
    ],
    ids=str,
)
def test_a_body_says_what_bounds_its_answers(endpoint: EndpointPlan, most_tokens: int | None, answers: int) -> None:
    body = request_body(endpoint, Ask("q", (("user", "q"),), "m", 9, None), VALUES, stream=False)
    assert (body.most_tokens, body.answers) == (most_tokens, answers)


@given(st.lists(st.text(max_size=300), min_size=1, max_size=5))
def test_no_prompt_has_more_tokens_than_its_bound(texts: list[str]) -> None:
    """A token is a byte at least, whatever the vocabulary; templates add marks to each message."""
    ask = Ask(texts[-1], tuple(("user", text) for text in texts), "m", 9, None)
    dearest = sum(len(text.encode()) + 8 for text in texts) + 96
    assert request_body(CHAT, ask, VALUES, stream=True).most_prompt_tokens == dearest
    merged = request_body(EndpointPlan(template={"user": "u"}), ask, VALUES, stream=True)
    assert merged.most_prompt_tokens >= sum(len(text.encode()) for text in texts)
    # the simulated platform's own count is far below
    assert sum(map(tokens_in_message, texts)) <= dearest


def test_a_template_replaces_adds_and_takes_away() -> None:
    template = {"max_tokens": None, "max_completion_tokens": 50, "user": "{user_id}", "model": "other"}
    fields, model, limit = sent(EndpointPlan("completions", template=template))
    assert fields == {
        "model": "other",
        "prompt": 'Why "ï"?',
        "temperature": 0.1235,
        "max_completion_tokens": 50,
        "user": "u1",
    }
    assert (model, limit) == ("other", 50)
