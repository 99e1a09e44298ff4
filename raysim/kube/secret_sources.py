"""Which secrets pods need, and by which reference they get them. Never a secret itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from raysim.core.config.metrics import MetricsSpec
from raysim.core.config.scenario import Scenario

#: the Secret that an operator creates; its keys are the names of variables and files
PLATFORM_SECRET = "raysim-platform"  # noqa: S105 - an object's name
#: credentials of the object store
STORE_SECRET = "raysim-object-store"  # noqa: S105 - an object's name
_STORE_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")


@dataclass(frozen=True, slots=True)
class SecretSources:
    """What a pod gets: variables and files of the platform's secret, and whether the object store's credentials."""

    variables: tuple[str, ...] = ()
    files: tuple[PurePosixPath, ...] = ()
    store: bool = False

    @classmethod
    def of_head(cls, scenario: Scenario) -> SecretSources:
        """What the pod of the driver and the coordinator needs: nobody else ever sees these variables."""
        targets = scenario.spec.targets
        store = (scenario.spec.cleanup.export_results_to or "").startswith("s3://")
        auth, login, keys = targets.auth, targets.auth.login, targets.api_keys
        variables: list[str | None] = [backend.token_env for backend in targets.backends]
        files: list[str | None] = []
        _add_metrics(scenario.spec.metrics, variables, files)
        if targets.platform == "embedded":
            return cls(_sorted(variables), _paths(files), store)
        if targets.platform != "static":
            variables.append(auth.token_env)
            files.append(auth.token_file)
            if login is not None:
                variables += [login.password_env, login.client_secret_env]
                files.append(login.password_file)
        if keys is not None:
            variables.append(keys.env)
            files.append(keys.file)
        return cls(_sorted(variables), _paths([*files, *_tls(scenario)]), store)

    @classmethod
    def of_worker(cls, scenario: Scenario) -> SecretSources:
        """What users' pods need: certificates, where the platform wants its own. Their keys they make themselves."""
        return cls(files=_paths(_tls(scenario)))

    def environment(self) -> list[dict[str, Any]]:
        """Environment variables of the container; the object store may get its credentials from a role instead."""
        wanted = [_variable(name, PLATFORM_SECRET, optional=False) for name in self.variables]
        if self.store:
            wanted += [_variable(name, STORE_SECRET, optional=True) for name in _STORE_VARIABLES]
        return wanted

    def volumes(self) -> list[dict[str, Any]]:
        """One volume for each folder that files are expected in."""
        return [
            {
                "name": f"secret-{number}",
                "secret": {
                    "secretName": PLATFORM_SECRET,
                    # the pod's group may read it, nobody may write it
                    "defaultMode": 0o440,
                    "items": [{"key": file.name, "path": file.name} for file in self.files if file.parent == folder],
                },
            }
            for number, folder in enumerate(self._folders())
        ]

    def mounts(self) -> list[dict[str, Any]]:
        """Where those volumes are mounted."""
        return [
            {"name": f"secret-{number}", "mountPath": str(folder), "readOnly": True}
            for number, folder in enumerate(self._folders())
        ]

    def _folders(self) -> list[PurePosixPath]:
        return sorted({file.parent for file in self.files})


def _add_metrics(spec: MetricsSpec, variables: list[str | None], files: list[str | None]) -> None:
    """What the Pushgateway and the collector are shown."""
    for auth in filter(None, (spec.pushgateway_auth, spec.otlp_auth)):
        variables += [auth.token_env, auth.password_env, *(header.env for header in auth.headers)]
        files += [auth.token_file, auth.password_file, *(header.file for header in auth.headers)]
    files += [spec.tls.ca_file, spec.tls.cert_file, spec.tls.key_file]


def _tls(scenario: Scenario) -> list[str | None]:
    tls = scenario.spec.targets.tls
    return [tls.ca_file, tls.cert_file, tls.key_file]


def _sorted(names: list[str | None]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))


def _paths(names: list[str | None]) -> tuple[PurePosixPath, ...]:
    return tuple(sorted({PurePosixPath(name) for name in names if name}))


def _variable(name: str, secret: str, *, optional: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": name}
    return {"name": name, "valueFrom": {"secretKeyRef": reference | ({"optional": True} if optional else {})}}
