from __future__ import annotations

import pickle

import pytest

from raysim.core.behaviour.endpoint import CHAT, PATHS, EndpointKind, EndpointPlan
from raysim.core.behaviour.expectation import Expectation


@pytest.mark.parametrize(
    ("kind", "label", "converses", "asks", "generates", "with_user_key"),
    [
        ("chat", "chat", True, True, True, True),
        ("completions", "completions", False, True, True, True),
        ("embeddings", "embeddings", False, True, False, True),
        ("orgs", "orgs", False, False, False, False),
        ("custom", "/v1/inference", False, True, False, True),
    ],
)
def test_what_each_kind_is(
    kind: EndpointKind, label: str, converses: bool, asks: bool, generates: bool, with_user_key: bool
) -> None:
    plan = EndpointPlan(kind, path=PATHS.get(kind, "/v1/inference"))
    assert (plan.label, plan.converses, plan.asks) == (label, converses, asks)
    assert (plan.generates, plan.with_user_key) == (generates, with_user_key)
    assert plan.streams(streaming=True) is generates
    assert plan.streams(streaming=False) is False
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301 - it travels to actors like this


def test_a_template_decides_about_streaming() -> None:
    assert not EndpointPlan(template={"stream": False}).streams(streaming=True)
    assert EndpointPlan(template={"stream": True}).streams(streaming=False)
    assert not EndpointPlan("embeddings", template={"stream": True}).streams(streaming=True)


def test_expectations_are_filled() -> None:
    values: dict[str, str | int] = {"org_id": "o1", "max_tokens": 9, "user_id": "u1"}
    plan = EndpointPlan(expects=Expectation(contains="{user_id}!", json_path=("a",), compare=True, equals="{org_id}"))
    filled = plan.expectation(values)
    assert filled == Expectation(contains="u1!", json_path=("a",), compare=True, equals="o1")
    number = EndpointPlan(expects=Expectation(json_path=("a",), compare=True, equals="{max_tokens}"))
    assert number.expectation(values) == Expectation(json_path=("a",), compare=True, equals=9)
    plain = Expectation(status=204)
    assert EndpointPlan(expects=plain).expectation(values) is plain
    assert CHAT.expectation(values) is None
