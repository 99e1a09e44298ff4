"""The run as KubeRay sees it: a RayJob that brings its cluster, or a RayCluster for runs that people submit."""

from __future__ import annotations

import math
from typing import Any, Literal

from raysim.core.config.scenario import Scenario
from raysim.core.plan.run_plan import RunPlan
from raysim.kube.manifest import Manifest, manifest, object_name
from raysim.kube.pod import SCENARIO_FOLDER, head_group, submitter_template, worker_group

Submission = Literal["K8sJobMode", "HTTPMode"]

#: a finished run's cluster stays this long, for whoever wants to read its logs or copy its results
_KEEP_FINISHED_S = 600
#: images are pulled and nodes come up in this time
_START_S = 1800
#: beyond all that raysim itself allows: a backstop for when it does not end by itself
_BACKSTOP_S = 600


def cluster_spec(scenario: Scenario, plan: RunPlan, image: str, config_map: str, ray_version: str) -> dict[str, Any]:
    """The cluster: one head, and as many workers as the users need; nothing scales."""
    return {
        "rayVersion": ray_version,
        "enableInTreeAutoscaling": False,
        # KubeRay makes the token, and every Ray process of the cluster asks for it
        "authOptions": {"mode": "token"},
        "headGroupSpec": head_group(scenario, plan, image, config_map),
        "workerGroupSpecs": [worker_group(scenario, plan, image)],
    }


def ray_cluster(scenario: Scenario, plan: RunPlan, image: str, config_map: str, ray_version: str) -> Manifest:
    """A cluster that waits for `ray job submit`."""
    name = object_name(f"{scenario.metadata.name}-cluster")
    return manifest("ray.io/v1", "RayCluster", name, spec=cluster_spec(scenario, plan, image, config_map, ray_version))


def ray_job(
    scenario: Scenario, plan: RunPlan, image: str, config_map: str, ray_version: str, submission: Submission
) -> Manifest:
    """One run, and the cluster for it. It is never tried a second time: load that was sent once was sent."""
    spec: dict[str, Any] = {
        "entrypoint": f"raysim run {SCENARIO_FOLDER} --ui plain --address auto",
        "submissionMode": submission,
        "backoffLimit": 0,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEEP_FINISHED_S,
        "activeDeadlineSeconds": deadline_s(scenario, plan),
    }
    if submission == "K8sJobMode":
        # a second submission would be a second run
        spec["submitterConfig"] = {"backoffLimit": 0}
        spec["submitterPodTemplate"] = submitter_template(image)
    spec["rayClusterSpec"] = cluster_spec(scenario, plan, image, config_map, ray_version)
    return manifest("ray.io/v1", "RayJob", object_name(scenario.metadata.name), spec=spec)


def deadline_s(scenario: Scenario, plan: RunPlan) -> int:
    """When Kubernetes ends a run that has not ended itself: later than everything that raysim allows together."""
    spec = scenario.spec
    load_s = plan.schedule.duration_s
    if spec.limits.max_duration is not None:
        load_s = min(load_s, spec.limits.max_duration)
    owed_s = spec.bootstrap.timeout * math.ceil(len(plan.users) / spec.bootstrap.concurrency)
    return math.ceil(_START_S + owed_s + load_s + spec.limits.drain + spec.cleanup.timeout + _BACKSTOP_S)
