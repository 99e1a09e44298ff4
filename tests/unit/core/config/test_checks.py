from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.reading import read_scenario
from raysim.core.config.support import FOR_MANIFESTS
from tests.unit.core.config.documents import document, errors_of, warnings_of

AIAAS = {"apiRouterUrl": "http://router:8080", "userOrgUrl": "http://user-org:8081"}


def phase(name: str, duration: str = "1m", **more: Any) -> dict[str, Any]:
    return {"name": name, "duration": duration, **more}


def test_defaults_need_no_warning() -> None:
    assert warnings_of() == {}


@pytest.mark.parametrize(
    ("per_org", "target", "says"),
    [
        ({"min": 60, "max": 60}, 80, "there are 60: 60 will be active"),
        ({"min": 40, "max": 60}, 80, "there are 40 to 60"),
        ({"min": 40, "max": 60}, 50, "there will be 40 to 60"),
    ],
)
def test_more_active_users_than_exist(per_org: dict[str, int], target: int, says: str) -> None:
    pattern = {"phases": [phase("a", targetActiveUsers=1), phase("b", targetActiveUsers=target)]}
    warnings = warnings_of(users={"perOrg": per_org}, loadPattern=pattern)
    assert list(warnings) == ["spec.loadPattern.phases[1].targetActiveUsers"]
    assert says in "".join(warnings.values())


def test_users_of_overrides_count() -> None:
    organizations = {"count": 3, "overrides": [{"index": 2, "users": 40}]}
    users = {"perOrg": {"min": 5, "max": 6}}
    assert read_scenario(document(organizations=organizations, users=users)).user_range() == (50, 52)


def test_users_of_overrides_leave_the_others_their_weights() -> None:
    organizations = {
        "count": 2,
        "distribution": "weighted",
        "weights": [9, 1],
        "overrides": [{"index": 1, "users": 3}],
    }
    users = {"perOrg": {"min": 10, "max": 20}}
    assert read_scenario(document(organizations=organizations, users=users)).user_range() == (5, 7)


def test_more_users_than_slots() -> None:
    warnings = warnings_of(users={"perOrg": {"min": 50, "max": 50}}, workers={"replicas": 2, "usersPerWorker": 20})
    assert list(warnings) == ["spec.workers.replicas"]
    message = warnings["spec.workers.replicas"]
    assert "40 slots" in message
    assert "the run stops in preflight, before anything is created; a local run makes its own slots" in message


def test_workers_are_as_many_as_users_need() -> None:
    workers = read_scenario(document(workers={"usersPerWorker": 20})).spec.workers
    assert [workers.replicas_for(users) for users in (0, 1, 20, 21)] == [1, 1, 1, 2]


@pytest.mark.parametrize("users", [9, 51])
def test_unusual_numbers_of_users_to_a_worker(users: int) -> None:
    assert "10 to 50" in warnings_of(workers={"usersPerWorker": users})["spec.workers.usersPerWorker"]


@pytest.mark.parametrize("users", [10, 50])
def test_usual_numbers_of_users_to_a_worker(users: int) -> None:
    assert warnings_of(workers={"usersPerWorker": users}) == {}


@pytest.mark.parametrize(("limit", "stops_in"), [("30s", "a"), ("1m", "peak"), ("119s", "peak"), ("2m", None)])
def test_phases_that_outlast_the_limit(limit: str, stops_in: str | None) -> None:
    limits = {"maxDuration": limit, "drain": "0s"}
    warnings = warnings_of(loadPattern={"phases": [phase("a"), phase("peak")]}, limits=limits)
    assert list(warnings) == (["spec.limits.maxDuration"] if stops_in else [])
    if stops_in:
        assert f"in phase {stops_in!r}, with exit code 5" in warnings["spec.limits.maxDuration"]


def test_phases_of_one_name() -> None:
    assert list(warnings_of(loadPattern={"phases": [phase("a"), phase("a")]})) == ["spec.loadPattern.phases[1].name"]


def test_budgets_are_set_only_where_raysim_can() -> None:
    organizations = {"count": 2, "budgetUsd": 5, "overrides": [{"index": 2, "budgetUsd": 1}]}
    assert warnings_of(organizations=organizations) == {}
    assert list(warnings_of(organizations=organizations, targets=AIAAS)) == [
        "spec.organizations.budgetUsd",
        "spec.organizations.overrides[0].budgetUsd",
    ]
    litellm = {"platform": "litellm", "apiRouterUrl": "http://proxy:4000"}
    assert warnings_of(organizations=organizations, targets=litellm) == {}


def test_a_litellm_proxy_takes_its_master_key_only() -> None:
    login = {"login": {"email": "a@b.invalid", "passwordEnv": "PASSWORD"}}
    targets = {"platform": "litellm", "apiRouterUrl": "http://proxy:4000", "auth": login}
    assert list(errors_of(targets=targets)) == ["spec.targets.auth.login"]


def test_arrivals_that_cannot_be_sent_are_said() -> None:
    arrivals = {"mode": "constant", "requestsPerSecond": 50}
    phases = [phase("a", targetActiveUsers=0), phase("b", targetActiveUsers=2), phase("c", targetActiveUsers=0)]
    warned = warnings_of(loadPattern={"arrivals": arrivals, "phases": phases}, limits={"maxRequestsPerSecond": 20})
    assert "less than the 50 that arrive" in warned.pop("spec.limits.maxRequestsPerSecond")
    assert list(warned) == ["spec.loadPattern.phases[0].targetActiveUsers"]
    assert warnings_of(loadPattern={"arrivals": arrivals}, limits={"maxRequestsPerSecond": 50}) == {}
    assert warnings_of(loadPattern={"phases": [phase("a", targetActiveUsers=0)]}) == {}


def test_keys_that_nobody_creates_are_said() -> None:
    targets = {"platform": "static", "apiRouterUrl": "http://x", "apiKeys": {"env": "KEYS"}}
    assert "spec.apiKeys.perUser" in warnings_of(targets=targets, apiKeys={"perUser": 2})
    assert "spec.apiKeys.perUser" not in warnings_of(targets=targets)


def test_no_cost_limit_is_said() -> None:
    assert list(warnings_of(limits={"maxCostUsd": None})) == ["spec.limits.maxCostUsd"]


@pytest.mark.parametrize(("limit", "left"), [("1m", "0s"), ("1m10s", "10s"), ("1m29s", "29s"), ("1m30s", None)])
def test_too_little_time_for_requests_in_flight_is_said(limit: str, left: str | None) -> None:
    found = warnings_of(limits={"maxDuration": limit}).get("spec.limits.maxDuration")
    if left is None:
        assert found is None
    else:
        assert found is not None
        assert f"at the end {left} instead of limits.drain, 30s" in found


@pytest.mark.parametrize(("limit", "warns"), [(0.0001, True), (0.0, True), (0.01, False), (None, False)])
def test_a_limit_below_one_request_is_said(limit: float | None, warns: bool) -> None:
    found = warnings_of(limits={"maxCostUsd": limit}).get("spec.limits.maxCostUsd", "")
    assert ("nothing will be sent" in found) == warns


def test_bounds_around_a_constant_are_said() -> None:
    behaviour = {"thinkTimeSeconds": {"base": 5, "min": 1, "max": 10}}
    assert list(warnings_of(userBehavior=behaviour)) == ["spec.userBehavior.thinkTimeSeconds.variance"]


def test_effects_of_sections_that_cannot_be_read_are_not_guessed() -> None:
    errors = errors_of(userBehavior={"modelPreferences": 3}, models={"x": {}})
    assert not any(path == "spec.models" for path in errors)


NO_EFFECT: dict[str, dict[str, Any]] = {
    "workers.resources": {"workers": {"resources": {"requests": {"cpu": 1}}}},
    "workers.image": {"workers": {"image": "raysim:1"}},
    "workers.env": {"workers": {"env": {"A": "b"}}},
    "workers.nodeSelector": {"workers": {"nodeSelector": {"pool": "load"}}},
    "workers.tolerations": {"workers": {"tolerations": [{"operator": "Exists"}]}},
}


@pytest.mark.parametrize("path", FOR_MANIFESTS)
def test_what_has_no_effect_is_a_warning(path: str) -> None:
    warnings = warnings_of(**NO_EFFECT[path])
    assert list(warnings) == [f"spec.{path}"]
    assert "manifests are rendered" in warnings[f"spec.{path}"]


@pytest.mark.parametrize(
    ("name", "kind", "excluded"),
    [
        ("warm-up", "warmup", True),
        ("Cool down", "cooldown", True),
        ("ramp-2", "ramp", False),
        ("x", "sustained", False),
    ],
)
def test_a_phase_is_what_its_name_says(name: str, kind: str, excluded: bool) -> None:
    phases = read_scenario(document(loadPattern={"phases": [phase(name)]})).spec.load_pattern.phases
    assert (phases[0].effective_kind, phases[0].excluded) == (kind, excluded)


def test_a_phase_s_own_words_win() -> None:
    given = phase("warm-up", kind="spike", excludeFromResults=False)
    (only,) = read_scenario(document(loadPattern={"phases": [given]})).spec.load_pattern.phases
    assert (only.effective_kind, only.excluded) == ("spike", False)


@pytest.mark.parametrize(
    ("pattern", "strategy", "ramp"),
    [
        ("ramp-up", None, "linear"),
        ("wave", None, "wave"),
        ("steady", None, "at_once"),
        ("spike", None, "at_once"),
        ("custom", None, "at_once"),
        ("wave", "step", "step"),
        ("steady", "exponential", "exponential"),
    ],
)
def test_how_a_phase_reaches_its_target(pattern: str, strategy: str | None, ramp: str) -> None:
    given = {"type": pattern, "phases": [phase("a", rampStrategy=strategy)]}
    load = read_scenario(document(loadPattern=given)).spec.load_pattern
    assert load.ramp_of(load.phases[0]) == ramp


def static(users: int = 3, **targets: Any) -> dict[str, Any]:
    return {
        "users": {"perOrg": {"min": users, "max": users}},
        "targets": {"platform": "static", "apiRouterUrl": "http://server:8000", **targets},
    }


@pytest.mark.parametrize(
    ("targets", "path", "message"),
    [
        ({"userOrgUrl": "http://x"}, "spec.targets.userOrgUrl", "nothing is created there"),
        ({"auth": {"tokenEnv": "ADMIN"}}, "spec.targets.auth", "under apiKeys"),
        ({"apiRouterUrl": "http://server:8000/v1/"}, "spec.targets.apiRouterUrl", "raysim adds /v1 itself"),
        ({"apiRouterUrl": None}, "spec.targets.apiRouterUrl", "is required on platform static"),
        ({"platform": "aiaas", "userOrgUrl": "http://x", "apiKeys": {"env": "KEY"}}, "spec.targets.apiKeys", "aiaas"),
        ({"apiKeys": {"env": "KEY", "file": "keys"}}, "spec.targets.apiKeys", "one of the two"),
    ],
)
def test_what_a_static_platform_cannot_use_is_refused(targets: dict[str, Any], path: str, message: str) -> None:
    errors = errors_of(**static(**targets))
    assert list(errors) == [path]
    assert message in errors[path]


def test_sharing_keys_is_said() -> None:
    assert warnings_of(**static(apiKeys={"env": "KEY"})) == {
        "spec.targets.apiKeys.env": "if KEY holds fewer than 3 keys, the 3 users share them in turn, "
        "and limits for each key too"
    }
    assert list(warnings_of(**static(apiKeys={"file": "keys"}))) == ["spec.targets.apiKeys.file"]
    assert "without a key" in warnings_of(**static())["spec.targets.apiKeys"]
    assert warnings_of(**static(users=1)) == {}


@pytest.mark.parametrize(
    ("targets", "path", "message"),
    [
        ({**AIAAS, "simulated": {}}, "spec.targets.simulated", "no meaning on platform aiaas"),
        ({"simulated": {"simToken": "x"}}, "spec.targets.simulated.simToken", "is made for each run"),
        ({"simulated": {"tls": {}}}, "spec.targets.simulated.tls", "is made for each run"),
        ({"simulated": []}, "spec.targets.simulated", "expected a mapping"),
    ],
)
def test_a_simulated_platform_is_started_and_opened_by_its_run(
    targets: dict[str, Any], path: str, message: str
) -> None:
    errors = errors_of(targets=targets)
    assert list(errors) == [path]
    assert message in errors[path]


def test_wishes_for_a_simulated_platform_are_kept_as_they_are() -> None:
    wishes = {"faults": {"unfairOrg": "tenant-3"}, "faultWindows": [{"start": "1s", "end": 2, "faults": {}}]}
    assert read_scenario(document(targets={"simulated": wishes})).spec.targets.simulated == wishes


def test_metrics_that_are_no_group_are_ignored_with_a_warning() -> None:
    warnings = warnings_of(metrics={"capture": ["llm", "error_rate"]})
    assert list(warnings) == ["spec.metrics.capture[1]"]
    assert "'error_rate' is no group of metrics" in warnings["spec.metrics.capture[1]"]
    assert warnings_of(metrics={"capture": ["worker", "limit"]}) == {}
