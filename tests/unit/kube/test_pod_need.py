from __future__ import annotations

from decimal import Decimal

from raysim.kube.pod_need import ClusterNeed, PodNeed
from raysim.kube.ray_objects import ray_job
from tests.unit.kube.scenarios import plan_of, scenario_of


def need_of(users: int, **workers: object) -> ClusterNeed:
    scenario = scenario_of(users={"perOrg": {"min": users, "max": users}}, workers=workers)
    return ClusterNeed(scenario, plan_of(scenario))


def test_the_pods_are_those_that_are_rendered() -> None:
    need = need_of(45, usersPerWorker=20)
    spec = ray_job(need.scenario, need.plan, "image", "config", "2.60.0", "K8sJobMode")["spec"]
    (group,) = spec["rayClusterSpec"]["workerGroupSpecs"]
    head, worker, submitter = need.pods()
    assert (head.count, worker.count, submitter.count) == (1, group["replicas"], 1) == (1, 3, 1)
    stated = group["template"]["spec"]["containers"][0]["resources"]
    assert stated["requests"]["cpu"] == "500m"
    assert worker.requests["cpu"] == Decimal("0.5")
    assert stated["requests"]["memory"] == f"{worker.requests['memory'] / 2**20}Mi"
    assert head.limits["cpu"] == 2


def test_other_values_are_what_the_scenario_would_say() -> None:
    need = need_of(45, usersPerWorker=20)
    assert need.with_workers(replicas=2).replicas == 2
    assert need.with_workers(replicas=2).users_each == 23
    packed = need.with_workers(users_per_actor=20)
    assert packed.workers(1).requests["memory"] < need.workers(1).requests["memory"]
    assert need.replicas == 3


def test_a_limit_stands_for_the_request_that_is_not_stated() -> None:
    need = need_of(10, resources={"requests": {"memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}})
    assert need.workers(4) == PodNeed(
        "worker", 4, {"cpu": Decimal(2), "memory": Decimal(2**30)}, {"cpu": Decimal(2), "memory": Decimal(2**31)}
    )
