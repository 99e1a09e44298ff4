from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.config.quick import QuickForm
from raysim.core.config.reading import examine
from raysim.core.config.scenario import Scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.goals.slo import Slo
from raysim.core.plan.build import build_plan
from raysim.core.plan.load import ArrivalPlan

FORM = QuickForm(url="http://server:8000", model="tiny", concurrency=120, duration="30s", osl=64)


def scenario_of(form: QuickForm) -> Scenario:
    findings = examine(form.document())
    assert findings.errors == ()
    assert findings.scenario is not None
    return findings.scenario


def test_users_ask_without_pause_packed_into_few_actors() -> None:
    plan = build_plan(scenario_of(FORM), "run-1", started="20260714-091503")
    assert len(plan.tenants) == 1
    assert len(plan.users) == 120
    assert [len(pack.users) for pack in plan.packs] == [40, 40, 40]
    assert (plan.behaviour.think_s.low, plan.behaviour.think_s.high) == (0.0, 0.0)
    assert plan.behaviour.multi_turn_probability == 0
    assert (plan.behaviour.max_tokens.low, plan.behaviour.max_tokens.high) == (64, 64)
    assert {user.model for user in plan.users} == {"tiny"}
    assert (plan.target.platform, plan.target.router_url, plan.target.key_env) == ("static", "http://server:8000", "")
    assert plan.schedule.duration_s == 30


def test_goodput_becomes_an_slo() -> None:
    plan = build_plan(scenario_of(replace(FORM, goodput="ttft:200ms, tpot:50ms")), "run-1", started="20260714-091503")
    assert plan.slo == Slo(ttft_s=0.2, tpot_s=0.05)


@pytest.mark.parametrize(
    ("goodput", "message"),
    [("e2el:3s", "did you mean latency:…?"), ("ttft", "found 'ttft'; expected times"), ("ttft=3s", "expected times")],
)
def test_a_goodput_that_says_nothing_is_refused(goodput: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        replace(FORM, goodput=goodput).document()
    assert raised.value.problems[0].path == "--goodput"
    assert message in str(raised.value)


def test_warm_up_comes_first_and_does_not_count() -> None:
    plan = build_plan(scenario_of(replace(FORM, warmup="5s")), "run-1", started="20260714-091503")
    assert [(phase.duration_s, phase.excluded) for phase in plan.schedule.phases] == [(5, True), (30, False)]


def test_a_key_goes_by_the_name_of_its_variable() -> None:
    plan = build_plan(scenario_of(replace(FORM, api_key_env="KEY")), "run-1", started="20260714-091503")
    assert (plan.target.key_env, plan.target.key_file) == ("KEY", "")


def test_a_model_without_a_price_is_free_and_has_no_cost_limit() -> None:
    scenario = scenario_of(FORM)
    assert scenario.prices()["tiny"].output_usd_per_million == 0
    assert scenario.spec.limits.max_cost_usd is None
    assert scenario.spec.limits.max_error_rate == 0.1
    assert "no price is known for tiny" in FORM.price_note()


def test_a_model_with_a_price_keeps_the_cost_limit() -> None:
    form = replace(FORM, model="gpt-4o-mini")
    scenario = scenario_of(form)
    assert scenario.prices()["gpt-4o-mini"].output_usd_per_million == 0.6
    assert scenario.spec.limits.max_cost_usd == 10
    assert "$0.6 for a million generated ones" in form.price_note()


@pytest.mark.parametrize("url", ["http://server:8000/v1", "http://server:8000/v1/", "http://server:8000"])
def test_an_address_may_end_as_clients_of_openai_have_it(url: str) -> None:
    assert scenario_of(replace(FORM, url=url)).spec.targets.api_router_url == "http://server:8000"


def test_a_path_before_it_stays() -> None:
    url = scenario_of(replace(FORM, url="https://gateway/openai/v1")).spec.targets.api_router_url
    assert url == "https://gateway/openai"


@pytest.mark.parametrize(
    ("form", "option", "message"),
    [
        (replace(FORM, url="server:8000"), "--url", "expected an address"),
        (replace(FORM, duration="30"), "--duration", "without a unit"),
        (replace(FORM, warmup="0s"), "--warmup", "longer than 0"),
        (replace(FORM, warmup="5s", duration="-1s"), "--duration", "cannot be negative"),
        (replace(FORM, concurrency=0), "--concurrency", "at least 1"),
        (replace(FORM, osl=0), "--osl", "least that makes sense"),
        (replace(FORM, model=""), "--model", "is empty"),
        (replace(FORM, api_key_env="not a name"), "--api-key-env", "expected the name of an environment variable"),
        (replace(FORM, api_key_env="sk-0123456789abcdefghij"), "--api-key-env", "looks like a secret"),
    ],
)
def test_what_is_wrong_is_said_of_the_option(form: QuickForm, option: str, message: str) -> None:
    problems = [form.as_option(problem) for problem in examine(form.document()).errors]
    assert {problem.path for problem in problems} == {option}
    assert message in problems[0].message
    assert "sk-01234" not in str(problems)


@pytest.mark.parametrize(("isl", "osl"), [(500, 64), (30_000, 64), (None, 9_000), (4000, 1)])
def test_prompts_have_their_length_and_the_context_holds_them(isl: int | None, osl: int) -> None:
    scenario = scenario_of(replace(FORM, isl=isl, osl=osl))
    behaviour = build_plan(scenario, "run-1", started="20260714-091503").behaviour
    target = behaviour.prompts.target
    assert (target.low, target.high) == (isl, isl) if target is not None else isl is None
    assert behaviour.context_limit_tokens >= (isl or 0) + osl
    assert [
        problem for problem in examine(scenario_document(isl, osl)).warnings if "promptTokens" in problem.path
    ] == []


def scenario_document(isl: int | None, osl: int) -> dict[str, object]:
    return replace(FORM, isl=isl, osl=osl).document()


def test_requests_arrive_at_the_rate_that_is_asked_for() -> None:
    form = replace(FORM, request_rate=5.0)
    schedule = build_plan(scenario_of(form), "run-1", started="20260714-091503").schedule
    assert {phase.arrivals for phase in schedule.phases} == {ArrivalPlan("poisson", 5.0, 16)}


def test_a_problem_of_no_option_stays_as_it_is() -> None:
    problem = Problem("spec.limits.maxCostUsd", "is null")
    assert FORM.as_option(problem) == problem
