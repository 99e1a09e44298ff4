"""`raysim kube`: manifests that run a scenario on a Kubernetes cluster with KubeRay."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import click

from raysim import __version__
from raysim.config_file import load_scenario
from raysim.core.errors import ConfigError, Problem
from raysim.core.ids import valid_run_id
from raysim.kube.ray_objects import Submission
from raysim.kube.render import CLUSTER_FILE, DEFAULT_NAMESPACE, Rendering, render

#: what `metadata.namespace` is when nobody said anything: no place for pods that everything is denied to
_ANY_NAMESPACE = "default"


@click.group("kube")
def command() -> None:
    """Run scenarios on Kubernetes, by KubeRay."""


@command.command("render")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below spec.")
@click.option("--name", help="Which scenario, when the file holds several.")
@click.option("--image", default=f"raysim:{__version__}", show_default=True, help="Image, unless workers.image says.")
@click.option("--namespace", help="Namespace of everything; metadata.namespace, or raysim, when not given.")
@click.option(
    "--submission",
    type=click.Choice(["K8sJobMode", "HTTPMode"]),
    default="K8sJobMode",
    show_default=True,
    help="A pod submits the job and has its log, or KubeRay does by HTTP.",
)
def render_command(
    config: Path,
    out: Path,
    overrides: tuple[str, ...],
    name: str | None,
    image: str,
    namespace: str | None,
    submission: Submission,
) -> None:
    """Write RayJob, ConfigMap, access and network rules for CONFIG; nothing is sent to a cluster."""
    loaded = load_scenario(config, name=name, overrides=overrides, environ=os.environ)
    stated = loaded.scenario.metadata.namespace
    namespace = namespace or (stated if stated != _ANY_NAMESPACE else DEFAULT_NAMESPACE)
    if not valid_run_id(namespace):
        raise ConfigError([Problem("--namespace", f"found {namespace!r}; expected 1 to 63 of a-z, 0-9 and -")])
    files = render(loaded.scenario, Rendering(image, version("ray"), submission, namespace))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (out / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([Problem("--out", f"{out} cannot be written: {error.strerror}")]) from error
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"kubectl apply -k {out}                 # runs it once")
    click.echo(f"kubectl apply -n {namespace} -f {out / CLUSTER_FILE}   # a cluster for `ray job submit`, instead")
