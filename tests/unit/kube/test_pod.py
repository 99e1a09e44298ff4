from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.scenario import Scenario
from raysim.kube.pod import head_group, worker_group
from raysim.kube.sizing import mebibytes, worker_pods
from tests.unit.kube.scenarios import plan_of, scenario_of
from tests.unit.kube.test_network import AIAAS

MOUNTED = {**AIAAS, "auth": {"tokenFile": "/etc/raysim/secret/token"}, "tls": {"caFile": "/etc/raysim/tls/ca.pem"}}


def head(scenario: Scenario) -> dict[str, Any]:
    spec: dict[str, Any] = head_group(scenario, plan_of(scenario), "raysim:1", "config")["template"]["spec"]
    return spec


def worker(scenario: Scenario) -> dict[str, Any]:
    spec: dict[str, Any] = worker_group(scenario, plan_of(scenario), "raysim:1")["template"]["spec"]
    return spec


def secrets(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    env = spec["containers"][0]["env"]
    return {one["name"]: one["valueFrom"]["secretKeyRef"] for one in env if "valueFrom" in one}


def memory(spec: dict[str, Any], kind: str) -> float:
    return mebibytes(spec["containers"][0]["resources"][kind]["memory"])


def test_the_administrators_token_is_in_the_head_alone_and_by_reference() -> None:
    scenario = scenario_of(targets=AIAAS)
    assert secrets(head(scenario)) == {"RAYSIM_ADMIN_TOKEN": {"name": "raysim-platform", "key": "RAYSIM_ADMIN_TOKEN"}}
    assert secrets(worker(scenario)) == {}


def test_a_backends_token_is_in_the_head_which_reads_its_metrics() -> None:
    backend = {"id": "a", "metricsUrl": "http://vllm.models.svc:8000/metrics", "kind": "vllm", "tokenEnv": "VLLM_TOKEN"}
    scenario = scenario_of(targets={**AIAAS, "backends": [backend]})
    assert set(secrets(head(scenario))) == {"RAYSIM_ADMIN_TOKEN", "VLLM_TOKEN"}
    assert secrets(worker(scenario)) == {}


def test_files_are_mounted_where_the_scenario_expects_them_and_certificates_everywhere() -> None:
    scenario = scenario_of(targets=MOUNTED)
    assert [mount["mountPath"] for mount in head(scenario)["containers"][0]["volumeMounts"]][-2:] == [
        "/etc/raysim/secret",
        "/etc/raysim/tls",
    ]
    assert worker(scenario)["volumes"][-1]["secret"]["items"] == [{"key": "ca.pem", "path": "ca.pem"}]
    assert len(worker(scenario)["volumes"]) == 3


def test_the_head_alone_gets_what_metrics_are_shown_on_every_platform() -> None:
    auth = {"username": "ray", "passwordFile": "/etc/raysim/secret/gateway"}
    key = {"headers": [{"name": "X-Api-Key", "env": "OTLP_KEY"}]}
    metrics = {"pushgatewayUrl": "http://g:1", "pushgatewayAuth": auth, "otlpUrl": "http://o:1", "otlpAuth": key}
    backend = {"id": "b", "metricsUrl": "http://b:1/metrics", "kind": "vllm", "tokenEnv": "PAGE_TOKEN"}
    scenario = scenario_of(metrics=metrics, targets={"backends": [backend]})
    assert set(secrets(head(scenario))) == {"OTLP_KEY", "PAGE_TOKEN"}
    assert [m["mountPath"] for m in head(scenario)["containers"][0]["volumeMounts"]].count("/etc/raysim/secret") == 1
    assert secrets(worker(scenario)) == {}


def test_the_object_stores_credentials_may_come_from_a_role() -> None:
    found = secrets(head(scenario_of(cleanup={"exportResultsTo": "s3://bucket/{testRunId}/"})))
    assert {name for name, reference in found.items() if reference.get("optional")} == set(found)
    assert "AWS_SECRET_ACCESS_KEY" in found


@pytest.mark.parametrize("pod", [head, worker])
def test_pods_are_restricted(pod: Any) -> None:
    spec = pod(scenario_of(targets=MOUNTED))
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert spec["automountServiceAccountToken"] is (pod is head)


def test_a_worker_has_memory_for_the_actors_that_its_users_need() -> None:
    one_each = scenario_of(users={"perOrg": {"min": 20, "max": 20}}, workers={"usersPerWorker": 20})
    packed = scenario_of(users={"perOrg": {"min": 20, "max": 20}}, workers={"usersPerWorker": 20, "usersPerActor": 20})
    assert memory(worker(one_each), "requests") == memory(worker(one_each), "limits") > 20 * 60
    assert memory(worker(packed), "requests") == 512
    assert memory(worker(packed), "limits") == 1024


def test_what_the_scenario_states_of_resources_is_kept() -> None:
    scenario = scenario_of(
        users={"perOrg": {"min": 20, "max": 20}},
        workers={"resources": {"requests": {"cpu": "250m", "memory": "300Mi"}}},
    )
    assert worker(scenario)["containers"][0]["resources"]["requests"] == {"cpu": "250m", "memory": "300Mi"}


def test_there_are_slots_for_all_users() -> None:
    for replicas, users in ((None, 45), (2, 45), (4, 45)):
        workers = {"usersPerWorker": 20} | ({"replicas": replicas} if replicas else {})
        scenario = scenario_of(users={"perOrg": {"min": users, "max": users}}, workers=workers)
        pods = worker_pods(scenario, plan_of(scenario))
        assert pods.replicas * pods.users_each >= users


def test_a_stopped_head_has_time_to_drain_and_to_clean_up() -> None:
    scenario = scenario_of(limits={"drain": "20s"}, cleanup={"timeout": "100s"})
    waits = {one["name"]: one.get("value") for one in head(scenario)["containers"][0]["env"]}
    assert waits["RAY_JOB_STOP_WAIT_TIME_S"] == "150"
    assert head(scenario)["terminationGracePeriodSeconds"] > 150


def test_a_deleted_worker_has_time_to_set_its_users_up_elsewhere_and_to_finish() -> None:
    scenario = scenario_of(limits={"drain": "20s"})
    said = {one["name"]: one.get("value") for one in worker(scenario)["containers"][0]["env"]}
    assert said["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"] == "50"
    assert worker(scenario)["terminationGracePeriodSeconds"] == 80
    # where the cloud gives less
    scenario = scenario_of(workers={"env": {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "20"}})
    said = {one["name"]: one.get("value") for one in worker(scenario)["containers"][0]["env"]}
    assert said["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"] == "20"


@pytest.mark.parametrize(("quantity", "mib"), [("1Gi", 1024.0), ("512Mi", 512.0), ("1048576", 1.0), ("1e6k", 953.67)])
def test_quantities_of_memory(quantity: str, mib: float) -> None:
    assert mebibytes(quantity) == pytest.approx(mib, rel=1e-4)
