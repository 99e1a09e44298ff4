from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.limits import LimitsSpec
from raysim.core.config.reading import examine, read_scenario
from raysim.core.errors import ConfigError
from tests.unit.core.config.documents import document, errors_of

KEY = "sk-proj-0123456789abcdef"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"


def test_a_document_of_two_lines_is_a_useful_scenario() -> None:
    scenario = read_scenario({"apiVersion": "loadtest.ai-aas.dev/v1", "kind": "LoadTestScenario"})
    assert scenario.spec.targets.platform == "embedded"
    assert scenario.user_range() == (5, 5)
    assert scenario.spec.load_pattern.total_duration == 60.0
    assert scenario.spec.limits.max_cost_usd == 10.0
    assert list(scenario.prices()) == ["gpt-4o-mini"]


def test_an_empty_section_stands_for_its_defaults() -> None:
    scenario = read_scenario(document(limits=None, userBehavior={"conversation": None}))
    assert scenario.spec.limits == LimitsSpec()


def test_pages_of_one_kind_need_names_of_their_own() -> None:
    page = {"id": "a", "metricsUrl": "http://a:8000/metrics", "kind": "vllm"}
    assert errors_of(targets={"backends": [page, page | {"kind": "dcgm"}]}) == {}
    found = errors_of(targets={"backends": [page, page]})
    assert found["spec.targets.backends[1].id"] == "a has another vllm page; give each an id of its own"


def test_null_removes_a_limit_that_has_a_default() -> None:
    assert read_scenario(document(limits={"maxCostUsd": None})).spec.limits.max_cost_usd is None


def test_an_address_makes_the_platform_a_real_one() -> None:
    targets = {"apiRouterUrl": "http://router:8080/", "userOrgUrl": "http://user-org:8081"}
    scenario = read_scenario(document(targets=targets))
    assert scenario.spec.targets.platform == "aiaas"
    assert scenario.spec.targets.api_router_url == "http://router:8080"


def test_a_real_platform_needs_both_addresses() -> None:
    assert list(errors_of(targets={"apiRouterUrl": "http://router:8080"})) == ["spec.targets.userOrgUrl"]


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({"organizations": {"count": "two"}}, "spec.organizations.count", "'two'; expected a whole number"),
        ({"organizations": {"count": True}}, "spec.organizations.count", "true; expected a whole number"),
        ({"organizations": {"count": 0}}, "spec.organizations.count", "found 0; expected at least 1"),
        ({"organizations": []}, "spec.organizations", "a list; expected a mapping with keys such as count"),
        ({"organizations": {"count": 2, "namingPattern": "org"}}, "spec.organizations.namingPattern", "add {index}"),
        ({"organizations": {"namingPattern": "o-{org}"}}, "spec.organizations.namingPattern", "found {org}"),
        ({"organizations": {"distribution": "weighted"}}, "spec.organizations.weights", "expected 1"),
        ({"organizations": {"weights": [1]}}, "spec.organizations.weights", "distribution: weighted"),
        ({"organizations": {"overrides": [{"index": 2}]}}, "spec.organizations.overrides[0].index", "there are 1"),
        ({"users": {"perOrg": {"min": 5, "max": 2}}}, "spec.users.perOrg.min", "more than max (2)"),
        ({"users": {"perOrg": {"min": 5}}}, "spec.users.perOrg.max", "is required"),
        ({"users": {"emailDomain": "nowhere"}}, "spec.users.emailDomain", "loadtest.invalid"),
        (
            {"loadPattern": {"phases": [{"name": "a", "duration": 90}]}},
            "spec.loadPattern.phases[0].duration",
            "write 90s for seconds",
        ),
        (
            {"loadPattern": {"phases": [{"name": "a", "duration": "-5s"}]}},
            "spec.loadPattern.phases[0].duration",
            "negative",
        ),
        ({"loadPattern": {"phases": []}}, "spec.loadPattern.phases", "give at least one"),
        ({"loadPattern": {"type": "stead"}}, "spec.loadPattern.type", "did you mean steady?"),
        ({"limits": {"maxErrorRate": 10}}, "spec.limits.maxErrorRate", "0.1 means 10 %"),
        ({"limits": {"maxCostUsd": float("inf")}}, "spec.limits.maxCostUsd", "expected a finite number"),
        ({"limits": {"maxDuration": "0s"}}, "spec.limits.maxDuration", "longer than 0"),
        ({"workers": {"resources": {"limits": {"memory": "5XB"}}}}, "spec.workers.resources.limits.memory", "512Mi"),
        ({"metrics": {"pushgatewayUrl": "gateway:9091"}}, "spec.metrics.pushgatewayUrl", "http://"),
        ({"metrics": {"labels": {"model": "x"}}}, "spec.metrics.labels.model", "sets itself"),
        ({"metrics": {"otlpAuth": {"tokenEnv": "T"}}}, "spec.metrics.otlpAuth", "has no meaning without otlpUrl"),
        ({"cleanup": {"exportResultsTo": "s3:///x"}}, "spec.cleanup.exportResultsTo", "s3://bucket/"),
        (
            {"cleanup": {"exportResultsTo": "s3://key@bucket/x"}},
            "spec.cleanup.exportResultsTo",
            "must not hold credentials",
        ),
        (
            {"cleanup": {"exportResultsTo": "s3://b/x", "logExportPath": "s3://b/x/"}},
            "spec.cleanup.logExportPath",
            "is where the results go",
        ),
        ({"targets": {"tls": {"verify": "yes"}}}, "spec.targets.tls.verify", "true or false"),
        ({"advanced": {"correlationId": "a b"}}, "spec.advanced.correlationId", "without spaces"),
        ({"targets": {"auth": {}}}, "spec.targets.auth", "exactly one of tokenEnv, tokenFile, login"),
        (
            {"targets": {"platform": "embedded", "apiRouterUrl": "http://x"}},
            "spec.targets.apiRouterUrl",
            "set platform: aiaas",
        ),
    ],
)
def test_a_mistake_is_one_error_at_its_place(spec: dict[str, Any], path: str, says: str) -> None:
    errors = errors_of(**spec)
    assert list(errors) == [path]
    assert says in errors[path]


@pytest.mark.parametrize(
    ("auth", "path", "says"),
    [
        ({}, "", "give one of tokenEnv"),
        ({"tokenEnv": "A", "tokenFile": "b"}, "", "found tokenEnv and tokenFile; give one"),
        ({"tokenEnv": "A", "username": "ray", "passwordEnv": "B"}, "", "found tokenEnv and username"),
        ({"username": "ray"}, ".username", "give passwordEnv or passwordFile"),
        ({"passwordEnv": "A"}, "", "found no credential"),
        ({"tokenEnv": "A", "passwordEnv": "A"}, ".username", "is required beside a password"),
        ({"username": "a:b", "passwordEnv": "A"}, ".username", "holds a colon"),
        ({"tokenEnv": "hunter2-hunter2"}, ".tokenEnv", "the name of an environment variable"),
        ({"headers": [{"name": "a b", "env": "A"}]}, ".headers[0].name", "is no header's name"),
        ({"headers": [{"name": "Host", "env": "A"}]}, ".headers[0].name", "sets itself"),
        ({"headers": [{"name": "X-Key"}]}, ".headers[0]", "give env or file"),
        ({"tokenEnv": "A", "headers": [{"name": "authorization", "env": "A"}]}, ".headers[0].name", "is there twice"),
    ],
)
def test_a_credential_for_metrics_is_one_and_whole(auth: dict[str, Any], path: str, says: str) -> None:
    errors = errors_of(metrics={"pushgatewayUrl": "http://gateway:9091", "pushgatewayAuth": auth})
    assert says in errors[f"spec.metrics.pushgatewayAuth{path}"]
    assert "hunter2" not in str(errors)


@pytest.mark.parametrize("weights", [[0], [0, 0.0]])
def test_weights_that_are_all_zero_choose_nothing(weights: list[float]) -> None:
    errors = errors_of(userBehavior={"modelPreferences": [{"model": "gpt-4o", "weight": w} for w in weights]})
    assert "all weights are 0" in errors["spec.userBehavior.modelPreferences"]


def test_a_negative_weight_is_refused() -> None:
    errors = errors_of(userBehavior={"questionStrategies": [{"name": "mixed", "weight": -1}]})
    assert errors == {"spec.userBehavior.questionStrategies[0].weight": "found -1; expected at least 0"}


@pytest.mark.parametrize(
    ("top", "spec", "path", "advice"),
    [
        ({}, {"limits": {"maxcost": 5}}, "spec.limits.maxcost", "did you mean spec.limits.maxCostUsd?"),
        ({}, {"limits": {"max_cost_usd": 5}}, "spec.limits.max_cost_usd", "did you mean spec.limits.maxCostUsd?"),
        ({}, {"limit": {}}, "spec.limit", "did you mean spec.limits?"),
        ({}, {"maxCostUsd": 5}, "spec.maxCostUsd", "that key belongs at spec.limits.maxCostUsd"),
        ({"limits": {}}, {}, "limits", "that key belongs at spec.limits"),
        ({}, {"users": {"apiKeys": {}}}, "spec.users.apiKeys", "that key belongs at spec.apiKeys"),
        ({}, {"userBehavior": {"turns": {}}}, "spec.userBehavior.turns", "spec.userBehavior.conversation.turns"),
        ({}, {"users": {"namePrefix": "u"}}, "spec.users.namePrefix", "use namingPattern"),
        ({}, {"bootstrap": {"zzz": 1}}, "spec.bootstrap.zzz", "valid keys here: timeout, concurrency"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
    top: dict[str, Any], spec: dict[str, Any], path: str, advice: str
) -> None:
    errors = {p.path: p.message for p in examine(document(**spec) | top).errors}
    assert list(errors) == [path]
    assert errors[path].startswith("is no known key")
    assert advice in errors[path]


def test_problems_of_all_sections_are_found_at_once() -> None:
    errors = errors_of(
        organizations={"count": 0, "weigths": []},
        users={"perOrg": {"min": 5, "max": 2}},
        userBehavior={"thinkTimeSeconds": {"min": 9, "max": 1}},
        limits={"maxDuration": "long"},
        thresholds=["ttft_p95 < 800"],
    )
    assert list(errors) == [
        "spec.organizations.count",
        "spec.organizations.weigths",
        "spec.users.perOrg.min",
        "spec.userBehavior.thinkTimeSeconds.min",
        "spec.limits.maxDuration",
        "spec.thresholds[0].expression",
    ]


def test_a_refused_element_does_not_make_its_list_empty() -> None:
    errors = errors_of(userBehavior={"questionStrategies": [{"name": "mixd"}]})
    assert list(errors) == ["spec.userBehavior.questionStrategies[0].name"]


@pytest.mark.parametrize(
    ("targets", "path"),
    [
        ({"auth": {"token": "hunter2-hunter2"}}, "spec.targets.auth.token"),
        ({"auth": {"tokenEnv": KEY}}, "spec.targets.auth.tokenEnv"),
        ({"auth": {"tokenEnv": "hunter2-hunter2"}}, "spec.targets.auth.tokenEnv"),
        ({"auth": {"login": {"email": "a@b.c", "password": "hunter2-hunter2"}}}, "spec.targets.auth.login.password"),
        ({"auth": "hunter2-hunter2"}, "spec.targets.auth"),
        ({"apiKey": "hunter2-hunter2"}, "spec.targets.apiKey"),
        ({"adminApiKey": "hunter2-hunter2"}, "spec.targets.adminApiKey"),
        ({"systemPrompt": f"use {KEY}"}, "spec.targets.systemPrompt"),
        ({"systemPrompt": TOKEN}, "spec.targets.systemPrompt"),
        ({"userOrgUrl": "http://admin:hunter2-hunter2@host"}, "spec.targets.userOrgUrl"),
        ({KEY: 1}, "spec.targets.…"),
        ({"apiKeys": ["hunter2-hunter2"]}, "spec.targets.apiKeys"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(targets: dict[str, Any], path: str) -> None:
    errors = errors_of(targets=targets)
    assert list(errors) == [path]
    assert not any(secret in f"{errors}" for secret in (KEY, TOKEN, "hunter2"))


def test_a_model_needs_a_price() -> None:
    behaviour = {"modelPreferences": [{"model": "in-house"}, {"model": "in-house.v2"}, {"model": "gpt-4o"}]}
    errors = errors_of(userBehavior=behaviour)
    assert list(errors) == ["spec.models.in-house", "spec.models[in-house.v2]"]
    price = {"inputUsdPerMillion": 1, "outputUsdPerMillion": 2}
    scenario = read_scenario(document(userBehavior=behaviour, models={"in-house": price, "in-house.v2": price}))
    assert scenario.prices()["in-house"].output_usd_per_million == 2.0


def test_the_scenario_s_own_price_wins() -> None:
    price = {"inputUsdPerMillion": 7, "outputUsdPerMillion": 8}
    assert read_scenario(document(models={"gpt-4o-mini": price})).prices()["gpt-4o-mini"].input_usd_per_million == 7.0


def test_a_price_that_cannot_be_read_is_not_also_missing() -> None:
    errors = errors_of(userBehavior={"modelPreferences": [{"model": "x"}]}, models={"x": {"inputUsdPerMillion": "a"}})
    assert list(errors) == ["spec.models.x.inputUsdPerMillion", "spec.models.x.outputUsdPerMillion"]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("TestScenario", "write under spec:  endpoints: [{name: embeddings, weight: 3}]"),
        ("ConfigMap", "give the scenario inside it"),
        ("Pod", "expected LoadTestScenario"),
        (None, "add apiVersion"),
    ],
)
def test_another_kind_of_document_is_refused(kind: str | None, says: str) -> None:
    findings = examine({"kind": kind, "metadata": {"name": "embed-docs"}, "weight": 3, "spec": {}})
    assert [p.path for p in findings.errors] == ["kind"]
    assert says in findings.errors[0].message


@pytest.mark.parametrize(
    "mix",
    [
        {"scenarios": [{"name": "chat-short", "weight": 60}, {"name": "chat-long", "weight": 15}, {"name": "embed"}]},
        [{"name": "chat-short", "weight": 75}, {"name": "embed"}],
        {"chat": 75, "embeddings": 1},
    ],
)
def test_a_scenario_mix_is_refused_with_its_equivalent(mix: object) -> None:
    errors = errors_of(scenarioMix=mix)
    assert list(errors) == ["spec.scenarioMix"]
    assert "endpoints: [{name: chat, weight: 75}, {name: embeddings, weight: 1}]" in errors["spec.scenarioMix"]


def test_reading_raises_all_problems_together() -> None:
    with pytest.raises(ConfigError) as caught:
        read_scenario(document(limits={"maxCostUsd": -1, "minRequests": 0}))
    assert [p.path for p in caught.value.problems] == ["spec.limits.maxCostUsd", "spec.limits.minRequests"]


def test_code_may_use_names_and_seconds() -> None:
    assert LimitsSpec(max_cost_usd=1, max_duration=90.0).max_duration == 90.0
    with pytest.raises(ValueError, match="negative"):
        LimitsSpec(max_duration=-1.0)


def test_a_scenario_cannot_be_changed() -> None:
    limits: Any = read_scenario(document()).spec.limits
    with pytest.raises(ValueError, match="frozen"):
        limits.max_cost_usd = 1e9
