"""Preflight against the API of Kubernetes, in a pod and by kubectl's configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner, Result

from raysim.cli.preflight import command
from raysim.config_file import load_scenario
from raysim.core.errors import ConfigError, ExitCode
from raysim.core.quantity import parse_quantity
from raysim.kube.pod_need import ClusterNeed
from raysim.preflight import kubernetes_client
from raysim.preflight.admission import Standing, judge
from raysim.preflight.check import Check
from raysim.preflight.kubernetes import check_own_namespace
from raysim.preflight.quota import Quota
from tests.component.preflight.kubernetes_api import TOKEN, FakeKubernetes, limit_range, quota
from tests.unit.core.config.documents import document
from tests.unit.kube.scenarios import plan_of
from tests.unit.kube.test_pod_need import need_of

IN_POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1"}
#: two workers of three are there, which is too few for the users
SHORT = Standing(workers=2, enough=False)


@pytest.fixture
def api() -> Iterator[FakeKubernetes]:
    with FakeKubernetes().running() as fake:
        yield fake


@pytest.fixture
def pod(api: FakeKubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubernetes:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
    monkeypatch.setattr(kubernetes_client.open_own, "__defaults__", (api.account(tmp_path),))
    return api


@pytest.fixture
def config(api: FakeKubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = api.kubectl_config(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


def in_pod(standing: Standing = SHORT) -> list[Check]:
    return check_own_namespace(need_of(45, usersPerWorker=20), standing, IN_POD)


def run(tmp_path: Path, *arguments: str, users: int = 45) -> Result:
    path = tmp_path / "scenario.yaml"
    spec = {"users": {"perOrg": {"min": users, "max": users}}, "workers": {"usersPerWorker": 20}}
    path.write_text(yaml.safe_dump(document(**spec)), encoding="utf-8")
    arguments = (str(path), "--namespace", "loadtest", *arguments)
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def checks_of(result: Result) -> dict[str, dict[str, object]]:
    return {check["name"]: check for check in json.loads(result.output)["checks"]}


def test_a_pod_asks_as_its_service_account_what_its_namespace_leaves(pod: FakeKubernetes) -> None:
    pod.objects["resourcequotas"] = [quota("compute", {"requests.cpu": "3"}, {"requests.cpu": "2600m"})]
    pod.objects["limitranges"] = [limit_range("sizes", max={"cpu": "4"})]
    assert [str(check) for check in in_pod()] == [
        (
            "quota compute: namespace loadtest: 0.4 of 3 requests.cpu left, the workers to come need 0.5 "
            "→ raise requests.cpu to 3.1"
        ),
        "limit range sizes: namespace loadtest: every container of the plan is within it",
    ]
    assert pod.asked == [
        f"GET /api/v1/namespaces/loadtest/{resource}" for resource in ("limitranges", "resourcequotas")
    ]


def test_a_cluster_that_is_whole_and_a_machine_that_is_no_pod_ask_nobody(pod: FakeKubernetes) -> None:
    assert [check.verdict for check in in_pod(Standing(workers=3, enough=True))] == ["passed"]
    assert check_own_namespace(need_of(45), SHORT, {}) == []
    assert pod.asked == []


def test_a_missing_right_is_one_line_that_names_the_role_and_stops_nothing(pod: FakeKubernetes) -> None:
    pod.forbidden = {"resourcequotas"}
    (check,) = [check for check in in_pod() if check.name == "quotas"]
    assert check == Check(
        "quotas",
        "skipped",
        "not checked: system:serviceaccount:loadtest:raysim may not list resourcequotas in namespace loadtest",
        "apply access.yaml of `raysim kube render` there: its Role `raysim` gives that right",
    )
    assert check.told


def test_limits_that_may_not_be_read_leave_the_quotas(pod: FakeKubernetes) -> None:
    pod.forbidden = {"limitranges"}
    pod.objects["resourcequotas"] = [quota("compute", {"pods": "2"}, {"pods": "2"})]
    assert [(check.name, check.verdict) for check in in_pod()] == [
        ("limit ranges", "skipped"),
        ("quota compute", "failed"),
    ]


@pytest.mark.parametrize("broken", [(500, "<html>"), (200, "<html>"), (200, '{"items": [{"spec": {"limits": 3}}]}')])
def test_an_api_that_is_none_is_told_and_stops_nothing(pod: FakeKubernetes, broken: tuple[int, str]) -> None:
    pod.broken = broken
    (check,) = in_pod()
    assert check.verdict == "skipped"
    assert f"127.0.0.1:{pod.port}" in check.found
    assert TOKEN not in str(check)


def test_a_pod_without_a_token_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kubernetes_client.open_own, "__defaults__", (tmp_path,))
    (check,) = in_pod()
    assert check.verdict == "skipped"
    assert check.found == "not checked: this pod has no token of a service account"


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "lightkube", None)
    monkeypatch.delitem(sys.modules, "raysim.preflight.kubernetes_client")
    (check,) = in_pod()
    assert check.verdict == "skipped"
    assert "pip install 'raysim[kube]'" in check.advice
    assert check.told
    # who asks for it by name is not told that all is well
    assert run(tmp_path).return_value == ExitCode.PREFLIGHT_FAILED


@pytest.mark.usefixtures("config")
def test_a_namespace_that_has_no_room_ends_with_3(api: FakeKubernetes, tmp_path: Path) -> None:
    api.objects["resourcequotas"] = [
        quota("compute", {"requests.cpu": "8", "pods": "20"}, {"requests.cpu": "5500m", "pods": "2"}),
        quota("best", {"pods": "0"}, scopes=["BestEffort"]),
        quota(
            "urgent",
            {"pods": "0"},
            scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]},
        ),
    ]
    api.denied = {"roles", "rolebindings"}
    result = run(tmp_path, "--json")
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    found = checks_of(result)
    assert found["quota compute"]["verdict"] == "failed"
    assert (
        found["quota compute"]["advice"] == "lower workers.replicas to 2 (23 users each), or raise requests.cpu to 8.1"
    )
    assert found["quota best"]["warning"] is False
    assert found["quota urgent"]["warning"] is True
    assert found["rights"]["found"] == "you may not create rolebindings, roles in namespace loadtest"
    assert found["rights"]["warning"] is True
    assert found["platform"]["verdict"] == "skipped"


def test_what_stands_for_kubernetes_says_what_its_schemas_allow(api: FakeKubernetes) -> None:
    api.objects = {
        "resourcequotas": [quota("compute", {"pods": "9"}, {"pods": "1"}, scopes=["BestEffort"])],
        "limitranges": [limit_range("sizes", max={"cpu": "4"}, defaultRequest={"cpu": "1"})],
    }
    asked = {"verb": "create", "resource": "pods", "namespace": "loadtest"}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answers = [
        api.listing("/api/v1/namespaces/loadtest/resourcequotas"),
        api.listing("/api/v1/namespaces/loadtest/limitranges"),
        api.review(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {**review, "spec": {"resourceAttributes": asked}}
        ),
    ]
    for status, answer in answers:
        assert status in (200, 201)
        kubernetes_validate.validate(answer, kubernetes_validate.latest_version(), strict=True)


def test_the_quota_of_the_production_overlay_leaves_room_for_its_scenario() -> None:
    root = Path(__file__).parents[3]
    sample = yaml.safe_load((root / "kuberay" / "components" / "quota" / "quota.yaml").read_text(encoding="utf-8"))
    hard = {resource: parse_quantity(amount) for resource, amount in sample["spec"]["hard"].items()}
    scenario = load_scenario(root / "configs" / "single-org-50.yaml").scenario
    (check,) = judge("raysim", [Quota("raysim", hard)], [], ClusterNeed(scenario, plan_of(scenario)), None)
    assert check.verdict == "passed", check


@pytest.mark.usefixtures("config", "api")
def test_a_namespace_without_rules_passes(tmp_path: Path) -> None:
    result = run(tmp_path, "--json")
    assert result.return_value == ExitCode.OK
    assert checks_of(result)["quotas"]["found"] == "namespace loadtest has no quota and no limits"
    assert checks_of(result)["rights"]["warning"] is False


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("context", "found"),
    [("far", "https://127.0.0.1:9 does not answer"), ("nowhere", "Context 'nowhere' not found")],
)
def test_a_cluster_that_was_named_and_cannot_be_asked_fails(context: str, found: str, tmp_path: Path) -> None:
    result = run(tmp_path, "--context", context, "--json")
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    assert found in str(checks_of(result)["quotas"]["found"])


def test_credentials_that_nobody_knows_are_told_and_not_shown(
    api: FakeKubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(api.kubectl_config(tmp_path, token="an-old-token")))
    result = run(tmp_path)
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    assert "does not know who asks (401)" in result.output
    assert "an-old-token" not in result.output


@pytest.mark.parametrize("text", ["", "clusters: 3", "a: [", "users: []\nclusters: []\ncontexts: []"])
def test_a_configuration_that_is_none_is_told(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    result = run(tmp_path, "--json")
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    assert "kubectl's configuration" in str(checks_of(result)["quotas"]["found"])


def test_a_namespace_that_is_none_and_a_context_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--namespace"):
        run(tmp_path, "--namespace", "Load Tests")
    arguments = [str(tmp_path / "scenario.yaml"), "--context", "near"]
    with pytest.raises(ConfigError, match="--context"):
        CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
