"""The pods of a run: the head with the driver and the coordinator, workers with users, and who submits the job."""

from __future__ import annotations

import math
from typing import Any

from raysim.core.config.scenario import Scenario
from raysim.core.plan.run_plan import RunPlan
from raysim.kube.manifest import labels
from raysim.kube.secret_sources import SecretSources
from raysim.kube.sizing import OBJECT_STORE_BYTES, head_memory_mib, with_memory, worker_pods

#: folder of the scenario in the head's pod: a ConfigMap's mount, whose changes a run follows
SCENARIO_FOLDER = "/etc/raysim/scenario"
HOME = "/home/raysim"
RESULTS = f"{HOME}/results"
#: the account of all pods; only the head is given its token, to read quotas
SERVICE_ACCOUNT = "raysim"
RAY_METRICS_PORT = 8080
DASHBOARD_PORT = 8265
_GCS_PORT = 6379
_CLIENT_PORT = 10001
_USER = 1000
#: for what is not raysim's: Ray's own processes end, and the node's
_SPARE_S = 30
#: users are set up on another node in this time
_MOVE_S = 30
#: fewer threads in processes that wait; Ray starts as many as there are cores otherwise
_LEAN = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_num_server_call_thread": "1",
    "RAY_gcs_server_rpc_server_thread_num": "1",
    "RAY_gcs_server_rpc_client_thread_num": "1",
    "OMP_NUM_THREADS": "1",
}


def head_group(scenario: Scenario, plan: RunPlan, image: str, config_map: str) -> dict[str, Any]:
    """The group of the one head pod. It has no CPU for tasks and no slot for users."""
    secrets = SecretSources.of_head(scenario)
    volumes: list[dict[str, Any]] = [
        {"name": "scenario", "configMap": {"name": config_map}},
        {"name": "results", "emptyDir": {}},
        *secrets.volumes(),
    ]
    mounts: list[dict[str, Any]] = [
        {"name": "scenario", "mountPath": SCENARIO_FOLDER, "readOnly": True},
        {"name": "results", "mountPath": RESULTS},
        *secrets.mounts(),
    ]
    memory = f"{head_memory_mib(plan)}Mi"
    stop_s = _stop_s(scenario)
    environment = {
        "RAYSIM_RESULTS": RESULTS,
        # `ray job stop` waits this long for the run to finish what is in flight and to clean up
        "RAY_JOB_STOP_WAIT_TIME_S": str(stop_s),
    }
    ports = {"gcs": _GCS_PORT, "dashboard": DASHBOARD_PORT, "client": _CLIENT_PORT, "metrics": RAY_METRICS_PORT}
    if scenario.spec.metrics.listen is not None:
        ports["raysim"] = scenario.spec.metrics.listen
    container = _container("ray-head", image, environment, secrets.environment(), ports, mounts)
    container["resources"] = {"requests": {"cpu": "1", "memory": memory}, "limits": {"cpu": "2", "memory": memory}}
    return {
        "rayStartParams": {
            "num-cpus": "0",
            "dashboard-host": "0.0.0.0",  # noqa: S104 - the pod's own address; policies say who reaches it
            "object-store-memory": str(OBJECT_STORE_BYTES),
        },
        "template": {
            "metadata": {"labels": labels("head")},
            "spec": _pod_spec(container, volumes, grace_s=stop_s + _SPARE_S, token=True),
        },
    }


def worker_group(scenario: Scenario, plan: RunPlan, image: str) -> dict[str, Any]:
    """The group of pods that play users, each with slots for as many as it may have."""
    workers = scenario.spec.workers
    pods = worker_pods(scenario, plan)
    secrets = SecretSources.of_worker(scenario)
    leave_s = math.ceil(scenario.spec.limits.drain) + _MOVE_S
    # at SIGTERM `ray start` drains the node for as long as this, or until it is empty; then users have moved
    environment = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": str(leave_s), **workers.env}
    container = _container("ray-worker", image, environment, [], {"metrics": RAY_METRICS_PORT}, secrets.mounts())
    said = {
        part: "resources" in workers.model_fields_set and part in workers.resources.model_fields_set
        for part in ("requests", "limits")
    }
    container["resources"] = {
        "requests": with_memory(workers.resources.requests, said=said["requests"], need_mib=pods.memory_mib),
        "limits": with_memory(workers.resources.limits, said=said["limits"], need_mib=pods.memory_mib),
    }
    spec = _pod_spec(container, secrets.volumes(), grace_s=leave_s + _SPARE_S, token=False)
    if workers.node_selector:
        spec["nodeSelector"] = dict(workers.node_selector)
    if workers.tolerations:
        spec["tolerations"] = [
            toleration.model_dump(mode="json", by_alias=True, exclude_none=True) for toleration in workers.tolerations
        ]
    return {
        "groupName": "users",
        "replicas": pods.replicas,
        "minReplicas": pods.replicas,
        "maxReplicas": pods.replicas,
        "rayStartParams": {
            "num-cpus": "1",
            "resources": f'"{{\\"sim_user\\": {pods.users_each}}}"',
            "object-store-memory": str(OBJECT_STORE_BYTES),
        },
        "template": {"metadata": {"labels": labels("worker")}, "spec": spec},
    }


def submitter_template(image: str) -> dict[str, Any]:
    """The pod that runs `ray job submit` and follows the log, where KubeRay does not submit by HTTP itself."""
    container = _container("submitter", image, {}, [], {}, [])
    container["resources"] = {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "512Mi"},
    }
    spec = _pod_spec(container, [], grace_s=_SPARE_S, token=False)
    return {"metadata": {"labels": labels("submitter")}, "spec": spec | {"restartPolicy": "Never"}}


def _stop_s(scenario: Scenario) -> int:
    """How long a stopped run may need: what is in flight ends, then tenants are removed."""
    return math.ceil(scenario.spec.limits.drain + scenario.spec.cleanup.timeout) + _SPARE_S


def _container(
    name: str,
    image: str,
    environment: dict[str, str],
    secrets: list[dict[str, Any]],
    ports: dict[str, int],
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    plain = {**_LEAN, "HOME": HOME, **environment}
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [*({"name": key, "value": value} for key, value in plain.items()), *secrets],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "home", "mountPath": HOME}, *mounts],  # noqa: S108
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
    }
    if ports:
        container["ports"] = [{"name": key, "containerPort": port} for key, port in ports.items()]
    return container


def _pod_spec(container: dict[str, Any], volumes: list[dict[str, Any]], *, grace_s: int, token: bool) -> dict[str, Any]:
    return {
        "serviceAccountName": SERVICE_ACCOUNT,
        "automountServiceAccountToken": token,
        # a Service's variables would only make each actor's environment longer
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_s,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        # Ray keeps its session in /tmp; everything else of the root is read-only
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "home", "emptyDir": {}}, *volumes],
    }
