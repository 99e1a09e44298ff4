"""All files for one scenario: what `kubectl apply -k` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from raysim.core.config.document import as_document
from raysim.core.config.scenario import Scenario
from raysim.core.plan.build import build_plan
from raysim.kube.access import access, namespace
from raysim.kube.manifest import Manifest, manifest, object_name
from raysim.kube.network import network_policies
from raysim.kube.ray_objects import Submission, ray_cluster, ray_job
from raysim.yaml_text import dump_document

DEFAULT_NAMESPACE = "raysim"
#: the kustomization that runs the scenario once; the cluster for people is applied by itself
KUSTOMIZATION = "kustomization.yaml"
CLUSTER_FILE = "ray-cluster.yaml"
_HEADER = "# Made by `raysim kube render`; change the scenario, or patch this in an overlay.\n"


@dataclass(frozen=True, slots=True)
class Rendering:
    """What rendering depends on, besides the scenario.

    Args:
        image: of all pods; the scenario's `workers.image` wins.
        ray_version: of the image: KubeRay wants to know.
        submission: who submits the job: a pod of its own, or KubeRay by HTTP.
        namespace: where everything goes; an overlay may change it.
    """

    image: str
    ray_version: str
    submission: Submission = "K8sJobMode"
    namespace: str = DEFAULT_NAMESPACE


def render(scenario: Scenario, rendering: Rendering) -> dict[str, str]:
    """File name → its text.

    Raises:
        ConfigError: the scenario's `targets.simulated` describes no platform.
    """
    plan = build_plan(scenario, "preview", started="00000000-000000")
    image = scenario.spec.workers.image or rendering.image
    config_map = object_name(f"{scenario.metadata.name}-scenario")
    text = dump_document(as_document(scenario))
    job = ray_job(scenario, plan, image, config_map, rendering.ray_version, rendering.submission)
    files: dict[str, list[Manifest]] = {
        "namespace.yaml": [namespace(rendering.namespace)],
        "access.yaml": access(rendering.namespace),
        "scenario.yaml": [manifest("v1", "ConfigMap", config_map, data={"scenario.yaml": text})],
        "network.yaml": network_policies(scenario),
        "ray-job.yaml": [job],
    }
    cluster = ray_cluster(scenario, plan, image, config_map, rendering.ray_version)
    for one in [*chain.from_iterable(files.values()), cluster]:
        _place(one["metadata"], scenario, None if one["kind"] == "Namespace" else rendering.namespace)
    return {
        KUSTOMIZATION: _text([_kustomization(rendering.namespace, list(files))]),
        **{name: _text(objects) for name, objects in files.items()},
        CLUSTER_FILE: _text([cluster]),
    }


def _place(metadata: Manifest, scenario: Scenario, namespace_name: str | None) -> None:
    """Put an object into the namespace, with the scenario's own labels and annotations; raysim's labels win."""
    if namespace_name is not None:
        metadata["namespace"] = namespace_name
    metadata["labels"] = {**scenario.metadata.labels, **metadata["labels"]}
    if scenario.metadata.annotations:
        metadata["annotations"] = dict(scenario.metadata.annotations)


def _kustomization(namespace_name: str, files: list[str]) -> Manifest:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace_name,
        "resources": files,
    }


def _text(objects: Sequence[Manifest]) -> str:
    return _HEADER + "---\n".join(dump_document(one) for one in objects)
