"""What `raysim kube render` writes, held against Kubernetes' and KubeRay's own schemas, and built by kustomize."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from raysim.cli.kube import command
from raysim.config_file import load_scenario
from raysim.core.config.reading import examine
from raysim.core.errors import ConfigError
from tests.component.kube import crds

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
BASES = sorted(path for path in (ROOT / "kuberay" / "base").iterdir() if path.is_dir())
OVERLAYS = sorted(path for path in (ROOT / "kuberay" / "overlays").iterdir() if path.is_dir())
OWN = {"RayJob", "RayCluster", "PodMonitor", "PrometheusRule", "ServiceMonitor"}
needs_crds = pytest.mark.skipif(
    not crds.FOLDER.is_dir(), reason="needs the schemas of KubeRay in the shared folder beside the checkout"
)
#: the one that is installed with the tests, whose kustomize is known; where there is none for the system, its own
KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="needs kubectl, for its kustomize")


def render(config: Path, out: Path, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    ended = CliRunner().invoke(
        command, ["render", str(config), "--out", str(out), *arguments], standalone_mode=False, catch_exceptions=False
    )
    assert ended.exit_code == 0
    return {path.name: list(yaml.safe_load_all(path.read_text())) for path in sorted(out.iterdir())}


@cache
def schema(kind: str) -> dict[str, Any]:
    return crds.schema_of(kind)


def validate(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def pods_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods inside a RayJob or a RayCluster, as objects of their own."""
    spec = document["spec"]
    cluster = spec.get("rayClusterSpec", spec)
    templates = [cluster["headGroupSpec"]["template"], *(group["template"] for group in cluster["workerGroupSpecs"])]
    templates += [spec["submitterPodTemplate"]] if "submitterPodTemplate" in spec else []
    return [{"apiVersion": "v1", "kind": "Pod", **template} for template in templates]


def kuberay_rules(document: dict[str, Any]) -> list[str]:
    """What KubeRay's operator refuses besides its schema, as far as it concerns fields that are rendered."""
    name, spec = document["metadata"]["name"], document["spec"]
    job = document["kind"] == "RayJob"
    cluster = spec["rayClusterSpec"] if job else spec
    most = 47 if job else 53
    version = tuple(int(part) for part in cluster["rayVersion"].split("."))
    groups = cluster["workerGroupSpecs"]
    rules = {
        f"a name has at most {most} characters": len(name) <= most,
        "a name is a DNS 1035 label": re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is not None,
        "a time to live needs shutdownAfterJobFinishes": not job
        or spec["shutdownAfterJobFinishes"]
        or "ttlSecondsAfterFinished" not in spec,
        "a deadline is positive": not job or spec["activeDeadlineSeconds"] > 0,
        "a submitter's template is for K8sJobMode": not job
        or spec["submissionMode"] == "K8sJobMode"
        or "submitterPodTemplate" not in spec,
        "a submitter's pod is not restarted": not job
        or spec.get("submitterPodTemplate", {}).get("spec", {}).get("restartPolicy", "Never") in ("Never", "OnFailure"),
        "tokens need Ray 2.52": cluster["authOptions"]["mode"] != "token" or version >= (2, 52),
        "every group has a container": all(
            group["template"]["spec"]["containers"] for group in [cluster["headGroupSpec"], *groups]
        ),
        "without autoscaling, groups state least and most": all(
            group["minReplicas"] <= group["replicas"] <= group["maxReplicas"] for group in groups
        ),
        "labels are no start parameters": not any("labels" in group["rayStartParams"] for group in groups),
        "group names are DNS labels": all(
            re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", g["groupName"]) for g in groups
        ),
    }
    return [rule for rule, holds in rules.items() if not holds]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("submission", ["K8sJobMode", "HTTPMode"])
def test_every_scenarios_objects_are_what_kubernetes_takes(config: Path, submission: str, tmp_path: Path) -> None:
    for documents in render(config, tmp_path, "--submission", submission).values():
        for document in documents:
            if document["kind"] in OWN:
                assert kuberay_rules(document) == []
                for pod in pods_of(document):
                    validate(pod)
            elif document["kind"] != "Kustomization":
                validate(document)


@needs_crds
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_scenarios_ray_objects_are_what_kuberay_takes(config: Path, tmp_path: Path) -> None:
    files = render(config, tmp_path)
    for name, kind in (("ray-job.yaml", "RayJob"), ("ray-cluster.yaml", "RayCluster")):
        assert crds.problems(files[name][0], schema(kind)) == []


@needs_crds
def test_the_schemas_refuse_what_they_should(tmp_path: Path) -> None:
    job = render(CONFIGS[0], tmp_path)["ray-job.yaml"][0]
    job["spec"]["backoffLimits"] = 0
    job["spec"]["rayClusterSpec"]["authOptions"]["mode"] = "password"
    job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["imag"] = "x"
    assert len(crds.problems(job, schema("RayJob"))) == 3


def test_the_config_map_holds_the_scenario(tmp_path: Path) -> None:
    config = ROOT / "configs" / "multi-org-3x20.yaml"
    files = render(config, tmp_path, "--set", "limits.maxCostUsd=3")
    (config_map,) = files["scenario.yaml"]
    held = examine(yaml.safe_load(config_map["data"]["scenario.yaml"])).scenario
    assert held == load_scenario(config, overrides=["limits.maxCostUsd=3"]).scenario
    job = files["ray-job.yaml"][0]["spec"]
    volumes = job["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["volumes"]
    assert {"name": "scenario", "configMap": {"name": config_map["metadata"]["name"]}} in volumes


def test_a_secret_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYSIM_ADMIN_TOKEN", "a-token-that-nobody-may-see")
    targets = {"apiRouterUrl": "https://router.example.com", "userOrgUrl": "https://orgs.example.com"}
    render(CONFIGS[0], tmp_path, "--set", f"targets={json.dumps(targets)}")
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "RAYSIM_ADMIN_TOKEN" in text
    assert "a-token-that-nobody-may-see" not in text


@pytest.mark.parametrize(
    ("arguments", "namespace"),
    [((), "raysim"), (("--set", "metadata.namespace=load"), "load"), (("--namespace", "other"), "other")],
)
def test_everything_is_in_one_namespace(arguments: tuple[str, ...], namespace: str, tmp_path: Path) -> None:
    files = render(CONFIGS[0], tmp_path, *arguments)
    assert files.pop("kustomization.yaml")[0]["namespace"] == namespace
    assert files.pop("namespace.yaml")[0]["metadata"]["name"] == namespace
    found = {document["metadata"]["namespace"] for documents in files.values() for document in documents}
    assert found == {namespace}


def test_labels_and_annotations_of_the_scenario_are_on_every_object(tmp_path: Path) -> None:
    marks = ("--set", "metadata.labels={team: a}", "--set", "metadata.annotations={example.com/owner: b}")
    files = render(CONFIGS[0], tmp_path, *marks)
    del files["kustomization.yaml"]
    for document in [document for documents in files.values() for document in documents]:
        assert document["metadata"]["labels"] == {"team": "a", "app.kubernetes.io/part-of": "raysim"} | {
            key: value for key, value in document["metadata"]["labels"].items() if key.startswith("pod-security")
        }
        assert document["metadata"]["annotations"] == {"example.com/owner": "b"}


def test_a_namespace_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="namespace"):
        render(CONFIGS[0], tmp_path, "--namespace", "Load Tests")


@pytest.mark.parametrize("base", BASES, ids=lambda path: path.name)
def test_what_is_committed_is_what_is_rendered(base: Path, tmp_path: Path) -> None:
    render(ROOT / "configs" / f"{base.name}.yaml", tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in base.iterdir()
    }


@needs_kubectl
@pytest.mark.parametrize("overlay", [*BASES, *OVERLAYS], ids=lambda path: path.name)
def test_kustomize_builds_it_and_the_result_is_valid(overlay: Path) -> None:
    built = subprocess.run([str(KUBECTL), "kustomize", str(overlay)], capture_output=True, text=True, check=True)
    documents = list(yaml.safe_load_all(built.stdout))
    assert [document["kind"] for document in documents].count("RayJob") == 1
    for document in documents:
        for subject in document.get("subjects", []):
            assert subject["namespace"] == document["metadata"]["namespace"]
        if document["kind"] not in OWN:
            validate(document)
        elif document["kind"] in ("RayJob", "RayCluster"):
            assert kuberay_rules(document) == []
            for pod in pods_of(document):
                validate(pod)
            if crds.FOLDER.is_dir():
                assert crds.problems(document, schema(document["kind"])) == []


@needs_kubectl
@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor", "PrometheusRule"])
def test_what_the_prometheus_operator_reads_is_what_it_takes(kind: str) -> None:
    if not crds.there(kind):
        pytest.skip("needs the schemas of the Prometheus operator in the shared folder beside the checkout")
    overlay = ROOT / "kuberay" / "overlays" / "production"
    built = subprocess.run([str(KUBECTL), "kustomize", str(overlay)], capture_output=True, text=True, check=True)
    (document,) = [one for one in yaml.safe_load_all(built.stdout) if one["kind"] == kind]
    assert crds.problems(document, schema(kind)) == []
    document["spec"]["unknown"] = 1
    assert len(crds.problems(document, schema(kind))) == 1
