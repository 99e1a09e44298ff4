from __future__ import annotations

from typing import Any

import pytest

from raysim.core.pricing import Price
from raysim.core.records.outcome import ErrorKind
from raysim.preflight.models import judge_models, judge_prices, listed_models, models_asked
from raysim.preflight.page import Page
from tests.component.preflight.said import plan_of, said, silent

PREFERS = {"modelPreferences": [{"model": "gpt-4o"}]}


def listing(*models: str) -> Page:
    return said(200, {"object": "list", "data": [{"id": model} for model in models]})


@pytest.mark.parametrize(
    ("endpoints", "asked"),
    [
        ([{"name": "chat"}], {"gpt-4o": "chat"}),
        ([{"name": "chat", "request": {"model": "gpt-4.1"}}], {"gpt-4.1": "chat"}),
        (
            [{"name": "chat"}, {"name": "embeddings", "request": {"model": "text-embedding-3-small"}}],
            {"gpt-4o": "chat", "text-embedding-3-small": "embeddings"},
        ),
        ([{"name": "chat"}, {"name": "completions", "weight": 0, "request": {"model": "gpt-4"}}], {"gpt-4o": "chat"}),
        ([{"name": "custom", "path": "/x", "request": {"m": "{model}"}}], {"gpt-4o": None}),
        (
            [{"name": "custom", "path": "/x", "request": {"m": "{model}"}}, {"name": "completions"}],
            {"gpt-4o": "completions"},
        ),
        ([{"name": "custom", "path": "/x"}], {}),
        ([{"name": "orgs"}], {}),
    ],
)
def test_the_models_that_users_may_ask_for(endpoints: list[dict[str, Any]], asked: dict[str, str | None]) -> None:
    targets = {"platform": "aiaas", "apiRouterUrl": "http://r", "userOrgUrl": "http://o"}
    found = models_asked(plan_of(endpoints=endpoints, userBehavior=PREFERS, targets=targets))
    assert {model: endpoint and endpoint.kind for model, endpoint in found.items()} == asked


@pytest.mark.parametrize(
    ("document", "models"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ([{"id": "a"}], ["a"]),
        ({"data": []}, []),
        ({"data": [{"id": 5}, "x", {}]}, []),
        ({"error": "no"}, None),
        ("x", None),
        (None, None),
    ],
)
def test_a_list_of_models_is_read(document: object, models: list[str] | None) -> None:
    assert listed_models(document) == models


def test_listed_models_pass_by_name_or_by_pattern() -> None:
    assert judge_models(["a", "b"], listing("b", "a"), (), final=True).verdict == "passed"
    assert judge_models(["openai/gpt-4o"], listing("openai/*"), (), final=True).verdict == "passed"


def test_a_model_that_is_not_listed_fails_with_the_nearest() -> None:
    check = judge_models(["gpt-4o-min"], listing("gpt-4o-mini", "llama"), (), final=True)
    assert check.verdict == "failed"
    assert "does not list gpt-4o-min; it lists gpt-4o-mini, llama" in check.found
    assert "did you mean gpt-4o-mini?" in check.advice
    assert "did you mean" not in judge_models(["zzz"], listing(), (), final=True).advice


def test_a_server_that_takes_any_name_gets_a_warning_only() -> None:
    assert judge_models(["mine"], listing("theirs"), (), final=False).warns
    heard = judge_models(["mine"], listing("theirs"), ["mine"], final=False)
    assert heard.warns
    assert "answers to the name" in heard.advice


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (said(404), "does not list its models"),
        (said(401), "for those who have a key"),
        (said(200, b"<html>"), "no list of models"),
        (said(503), "no list of models"),
        (silent(ErrorKind.TLS), "nothing to ask"),
    ],
)
def test_without_a_list_nothing_is_claimed(page: Page, why: str) -> None:
    check = judge_models(["a"], page, (), final=True)
    assert check.verdict == "skipped"
    assert why in check.found
    assert judge_models([], listing("a"), (), final=True).verdict == "skipped"


def test_prices_are_shown_and_missing_ones_are_a_warning() -> None:
    prices = {"a": Price(1.5, 6.0), "free": Price(0.0, 0.0)}
    assert judge_prices(["a", "free"], prices).found == "for a million tokens: a $1.5 in, $6 out; free free"
    check = judge_prices(["a", "b"], prices)
    assert check.warns
    assert "no price is known of b" in check.found
    assert judge_prices([], {}).verdict == "skipped"
