"""Asks the API of Kubernetes. The only module that knows lightkube, an extra: import it where it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from os import environ
from pathlib import Path

import httpx2
import msgspec
import yaml
from lightkube import ApiError, Client, ConfigError, KubeConfig, SingleConfig
from lightkube.models.authorization_v1 import ResourceAttributes, SelfSubjectAccessReviewSpec
from lightkube.models.core_v1 import LimitRangeItem, ResourceQuotaSpec
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview
from lightkube.resources.core_v1 import LimitRange as LimitRangeObject
from lightkube.resources.core_v1 import ResourceQuota

from raysim.core.quantity import parse_quantity
from raysim.preflight.check import printable
from raysim.preflight.limit_range import LimitRange
from raysim.preflight.namespace import KubernetesError, forbidden
from raysim.preflight.page import CONNECT_TIMEOUT_S, PAGE_TIMEOUT_S
from raysim.preflight.quota import Quota

#: where a pod finds the token of its service account
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_USER_CONFIG = "~/.kube/config"
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_WHO = re.compile(r'User "([^"]+)"')
_LONGEST = 200
#: a configuration that is not one ends in any of these, and an answer that is not one, too
_NONSENSE = (
    ConfigError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    msgspec.MsgspecError,
)


class KubernetesNamespace:
    """A namespace, asked over HTTPS as somebody.

    Args:
        name: which.
        client: the connection; it is closed with `close`.
        server: the API's address, for messages.
    """

    def __init__(self, name: str, client: Client, server: str) -> None:
        self.name = name
        self._client = client
        self._server = server

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def quotas(self) -> Sequence[Quota]:
        """Its ResourceQuotas."""
        with self._told("resourcequotas"):
            found = self._client.list(ResourceQuota, namespace=self.name)
            return [
                Quota(
                    (one.metadata and one.metadata.name) or "",
                    _amounts(one.spec.hard if one.spec else None),
                    _amounts(one.status.used if one.status else None),
                    _scopes(one.spec),
                )
                for one in found
            ]

    def limit_ranges(self) -> Sequence[LimitRange]:
        """Every item of its LimitRanges."""
        with self._told("limitranges"):
            found = self._client.list(LimitRangeObject, namespace=self.name)
            return [
                _item((one.metadata and one.metadata.name) or "", item)
                for one in found
                for item in (one.spec.limits if one.spec else [])
            ]

    def may_create(self, group: str, resource: str) -> bool:
        """Whether the asker may create such objects in it."""
        wanted = ResourceAttributes(group=group, resource=resource, verb="create", namespace=self.name)
        review = SelfSubjectAccessReview(spec=SelfSubjectAccessReviewSpec(resourceAttributes=wanted))
        with self._told("selfsubjectaccessreviews"):
            status = self._client.create(review).status
            return status is not None and status.allowed

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except httpx2.HTTPStatusError as error:
            raise self._refusal(error, what) from error
        except httpx2.HTTPError as error:
            said = printable(str(error) or type(error).__name__, _LONGEST)
            raise KubernetesError(
                f"the API of Kubernetes at {self._server} does not answer: {said}",
                hint="can it be reached from here? In a pod, the network policy raysim-kubernetes-api allows it",
            ) from error
        except _NONSENSE as error:
            raise KubernetesError(f"{self._server}, asked for {what}: {_said(error)}") from error

    def _refusal(self, error: httpx2.HTTPStatusError, what: str) -> KubernetesError:
        status = error.response.status_code
        message = (error.status.message or "") if isinstance(error, ApiError) else ""
        if status == _FORBIDDEN:
            named = _WHO.search(message)
            return forbidden(printable(named[1]) if named else "whoever asks", what, self.name)
        if status == _UNAUTHORIZED:
            hint = "renew the credentials that kubectl uses, and try `kubectl auth whoami`"
            return KubernetesError(f"the API of Kubernetes at {self._server} does not know who asks (401)", hint=hint)
        said = f": {printable(message, _LONGEST)}" if message else ""
        return KubernetesError(f"the API of Kubernetes at {self._server} answered {status}{said}")


def open_own(account: Path = ACCOUNT) -> KubernetesNamespace:
    """The namespace of the pod that this runs in, asked as its service account.

    Raises:
        KubernetesError: the pod has no token.
    """
    try:
        config = KubeConfig.from_service_account(account).get()
    except ConfigError as error:
        raise KubernetesError(
            "this pod has no token of a service account",
            hint="only the head of `raysim kube render` has one; run it there, or name a --namespace elsewhere",
        ) from error
    except _NONSENSE as error:
        raise KubernetesError(f"the service account in {account} cannot be used: {_said(error)}") from error
    return _open(config, None, trust_env=False)


def open_named(namespace: str, context: str | None) -> KubernetesNamespace:
    """A namespace of the cluster that kubectl's configuration names (KUBECONFIG, or ~/.kube/config), or of this pod's.

    Raises:
        KubernetesError: there is no such configuration, or it cannot be used.
    """
    file = environ.get("KUBECONFIG", _USER_CONFIG)
    try:
        own = context is None and "KUBECONFIG" not in environ
        found = KubeConfig.from_env(ACCOUNT) if own else KubeConfig.from_file(file)
        config = found.get(context)
    except (*_NONSENSE, yaml.YAMLError) as error:
        raise KubernetesError(f"kubectl's configuration {file} cannot be used: {_said(error)}") from error
    # as kubectl does, and unlike the load: a proxy of the environment may be the only way there
    return _open(config, namespace, trust_env=True)


def _open(config: SingleConfig | None, namespace: str | None, *, trust_env: bool) -> KubernetesNamespace:
    if config is None:
        raise KubernetesError("kubectl's configuration names no context", hint="name one with --context")
    timeout = httpx2.Timeout(PAGE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        client = Client(config, timeout=timeout, trust_env=trust_env)
    except _NONSENSE as error:
        raise KubernetesError(f"context {config.context_name} cannot be used: {_said(error)}") from error
    return KubernetesNamespace(namespace or config.namespace, client, config.cluster.server)


def _item(name: str, item: LimitRangeItem) -> LimitRange:
    return LimitRange(
        name,
        item.type,
        least=_amounts(item.min),
        most=_amounts(item.max),
        default_limit=_amounts(item.default),
        default_request=_amounts(item.defaultRequest),
        most_ratio=_amounts(item.maxLimitRequestRatio),
    )


def _amounts(found: dict[str, str] | None) -> dict[str, Decimal]:
    return {resource: parse_quantity(str(amount)) for resource, amount in (found or {}).items()}


def _scopes(spec: ResourceQuotaSpec | None) -> tuple[str, ...]:
    selector = spec.scopeSelector if spec else None
    selected = selector.matchExpressions if selector else None
    return (*((spec.scopes if spec else None) or ()), *(one.scopeName for one in selected or ()))


def _said(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__, _LONGEST)
