from __future__ import annotations

from typing import Any

import pytest

from raysim.core.behaviour.endpoint import CHAT, EndpointPlan
from raysim.core.behaviour.expectation import Expectation
from raysim.core.config.endpoints import EndpointSpec
from raysim.core.config.scenario import Scenario
from tests.unit.core.config.documents import errors_of, warnings_of

AIAAS = {"platform": "aiaas", "apiRouterUrl": "http://router", "userOrgUrl": "http://orgs"}


def plan_of(**fields: Any) -> EndpointPlan:
    return EndpointSpec.model_validate(fields).to_plan()


@pytest.mark.parametrize(
    ("fields", "plan"),
    [
        ({"name": "chat"}, CHAT),
        ({"name": "completions", "weight": 2.5}, EndpointPlan("completions", 2.5, path="/v1/completions")),
        ({"name": "embeddings", "path": "/embed"}, EndpointPlan("embeddings", path="/embed")),
        (
            {"name": "orgs"},
            EndpointPlan(
                "orgs",
                method="GET",
                path="/v1/orgs/{org_id}",
                expects=Expectation(json_path=("orgId",), compare=True, equals="{org_id}"),
            ),
        ),
        ({"name": "orgs", "path": "/v1/orgs"}, EndpointPlan("orgs", method="GET", path="/v1/orgs")),
        ({"name": "custom", "path": "/x"}, EndpointPlan("custom", method="GET", path="/x")),
        (
            {"name": "custom", "path": "/x", "request": {"a": "{question}"}, "expect": {"status": 201}},
            EndpointPlan("custom", path="/x", template={"a": "{question}"}, expects=Expectation(status=201)),
        ),
        (
            {"name": "orgs", "method": "PATCH", "request": {"displayName": "x"}, "path": "/v1/orgs/{org_id}"},
            EndpointPlan("orgs", method="PATCH", path="/v1/orgs/{org_id}", template={"displayName": "x"}),
        ),
        (
            {"name": "chat", "expect": {"contains": "a", "jsonPath": "$.a[0]", "equals": False}},
            EndpointPlan(expects=Expectation(contains="a", json_path=("a", 0), compare=True, equals=False)),
        ),
    ],
)
def test_an_entry_becomes_a_plan(fields: dict[str, Any], plan: EndpointPlan) -> None:
    assert plan_of(**fields) == plan


@pytest.mark.parametrize("given", [True, 1, 1.5, "1"])
def test_a_value_keeps_its_type(given: object) -> None:
    expects = plan_of(name="chat", expect={"jsonPath": "a", "equals": given}).expects
    assert expects is not None
    assert type(expects.equals) is type(given)


@pytest.mark.parametrize(
    ("entry", "path", "said"),
    [
        ({"name": "rerank"}, "name", "expected"),
        ({"name": "custom"}, "path", "is required by a custom endpoint"),
        ({"name": "chat", "path": "v1"}, "path", "expected a path such as"),
        ({"name": "chat", "path": "/a b"}, "path", "expected a path such as"),
        ({"name": "chat", "path": "/a\r\nHost: x"}, "path", "expected a path such as"),
        ({"name": "chat", "path": "/é"}, "path", "expected a path such as"),
        ({"name": "chat", "path": "/{question}"}, "path", "{org_id}"),
        ({"name": "chat", "method": "PUT"}, "method", "is always a POST"),
        ({"name": "custom", "path": "/x", "method": "GET", "request": {}}, "method", "a GET has no body"),
        ({"name": "custom", "path": "/x", "method": "DELETE"}, "method", "DELETE"),
        ({"name": "chat", "request": {"stream": "yes"}}, "request.stream", "expected true or false"),
        ({"name": "embeddings", "request": {"stream": True, "model": "gpt-4o"}}, "request.stream", "read whole"),
        ({"name": "chat", "expect": {"equals": 3}}, "expect.jsonPath", "is required beside equals"),
        ({"name": "chat", "expect": {"jsonPath": "$.*"}}, "expect.jsonPath", "names and indexes"),
        ({"name": "chat", "request": {"model": "nobodys"}}, "request.model", "the price of 'nobodys' is not known"),
        ({"name": "chat", "expect": {"jsonPath": "$.choices"}}, "expect.jsonPath", "add stream: false"),
    ],
)
def test_what_cannot_work_is_said_where_it_is(entry: dict[str, Any], path: str, said: str) -> None:
    errors = errors_of(endpoints=[entry])
    assert list(errors) == [f"spec.endpoints[0].{path}"]
    assert said in errors[f"spec.endpoints[0].{path}"]


def test_something_must_be_drawn() -> None:
    assert "all weights are 0" in errors_of(endpoints=[{"name": "chat", "weight": 0}])["spec.endpoints"]


def test_a_mix_of_everything_is_fine() -> None:
    endpoints = [
        {"name": "chat", "weight": 7},
        {"name": "chat", "request": {"stream": False}, "expect": {"jsonPath": "$.choices[0]"}},
        {"name": "completions"},
        {"name": "embeddings", "request": {"model": "text-embedding-3-small"}},
        {"name": "orgs", "weight": 0.5},
        {"name": "custom", "path": "/v1/inference", "request": {"model": "{model}", "max_tokens": 9}},
    ]
    assert errors_of(endpoints=endpoints) == {}
    assert errors_of(endpoints=endpoints, targets=AIAAS) == {}
    assert not any(path.startswith("spec.endpoints") for path in warnings_of(endpoints=endpoints))


def test_organisations_need_their_service() -> None:
    targets = {"platform": "static", "apiRouterUrl": "http://router"}
    errors = errors_of(endpoints=[{"name": "orgs"}], targets=targets)
    assert "has no organisation service" in errors["spec.endpoints[0].name"]


@pytest.mark.parametrize(
    ("endpoint", "warns"),
    [
        ({"name": "chat"}, False),
        ({"name": "chat", "request": {"max_tokens": None}}, True),
        ({"name": "chat", "request": {"max_tokens": 9}}, False),
        ({"name": "custom", "path": "/v1/x", "request": {"model": "{model}", "input": "{question}"}}, True),
        ({"name": "custom", "path": "/v1/x", "request": {"model": "gpt-4o", "payload": {"max_tokens": 9}}}, False),
        ({"name": "custom", "path": "/v1/x", "request": {"input": "{question}"}}, False),
    ],
)
def test_a_generation_without_a_limit_is_said(endpoint: dict[str, Any], warns: bool) -> None:
    found = warnings_of(endpoints=[endpoint]).get("spec.endpoints[0].request", "")
    assert ("has to reserve" in found) == warns


def test_what_may_not_be_meant_is_a_warning() -> None:
    warnings = warnings_of(endpoints=[{"name": "embeddings"}, {"name": "chat", "request": {"user": "{usr_id}"}}])
    assert "names no model" in warnings["spec.endpoints[0].request"]
    assert "{usr_id} is sent as it is" in warnings["spec.endpoints[1].request"]


def test_the_models_of_endpoints_have_prices() -> None:
    spec = {"endpoints": [{"name": "embeddings", "request": {"model": "text-embedding-3-small"}}]}
    document = {"apiVersion": "loadtest.ai-aas.dev/v1", "kind": "LoadTestScenario", "spec": spec}
    assert set(Scenario.model_validate(document).prices()) == {"gpt-4o-mini", "text-embedding-3-small"}
