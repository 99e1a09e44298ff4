"""The scenario as a whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from raysim.core.config.advanced import AdvancedSpec
from raysim.core.config.base import Name, Part
from raysim.core.config.behaviour import UserBehaviorSpec
from raysim.core.config.cleanup import CleanupSpec
from raysim.core.config.endpoints import EndpointSpec, some_weight
from raysim.core.config.goals import SloSpec, ThresholdEntry
from raysim.core.config.limits import LimitsSpec
from raysim.core.config.load import LoadPatternSpec
from raysim.core.config.metrics import MetricsSpec
from raysim.core.config.models import ModelSpec, price_of
from raysim.core.config.organizations import OrganizationsSpec
from raysim.core.config.preflight import PreflightSpec
from raysim.core.config.targets import TargetsSpec
from raysim.core.config.users import ApiKeysSpec, BootstrapSpec, UsersSpec
from raysim.core.config.workers import WorkersSpec
from raysim.core.ids import valid_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysim.core.pricing import Price

API_VERSION = "loadtest.ai-aas.dev/v1"
KIND = "LoadTestScenario"


class MetadataSpec(Part):
    """What the scenario and the run are called."""

    name: Name = Field("scenario", description="name of the scenario; tells several of one file apart")
    namespace: str = Field("default", description="Kubernetes namespace; used when manifests are rendered")
    test_run_id: str | None = Field(
        None, description="id of the run, also its directory's name; a new one for each run by default"
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="labels of Kubernetes objects; recorded with the run"
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="annotations of Kubernetes objects; recorded with the run"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """A run id that cannot be a directory or an actor's name."""
        if self.test_run_id is not None and not valid_run_id(self.test_run_id):
            yield "testRunId", f"found {self.test_run_id!r}; expected 1 to 63 of a-z, 0-9 and -, such as nightly-42"


class Spec(Part):
    """What the run does."""

    organizations: OrganizationsSpec = Field(
        default_factory=OrganizationsSpec, description="the organisations (tenants) that are created"
    )
    users: UsersSpec = Field(default_factory=UsersSpec, description="the users that are created")
    api_keys: ApiKeysSpec = Field(default_factory=ApiKeysSpec, description="the keys that users create")
    user_behavior: UserBehaviorSpec = Field(default_factory=UserBehaviorSpec, description="what every user does")
    bootstrap: BootstrapSpec = Field(default_factory=BootstrapSpec, description="how users are set up")
    preflight: PreflightSpec = Field(
        default_factory=PreflightSpec, description="what is checked before anything is created"
    )
    endpoints: Annotated[tuple[EndpointSpec, ...], AfterValidator(some_weight)] = Field(
        default_factory=lambda: (EndpointSpec(name="chat"),),
        min_length=1,
        description="which endpoints users call; chat alone by default",
    )
    load_pattern: LoadPatternSpec = Field(default_factory=LoadPatternSpec, description="how many users are active when")
    workers: WorkersSpec = Field(default_factory=WorkersSpec, description="the nodes that play the users")
    targets: TargetsSpec = Field(default_factory=TargetsSpec, description="the platform under test")
    models: dict[str, ModelSpec] = Field(
        default_factory=dict, description="prices and sizes of models by name; well-known ones are built in"
    )
    metrics: MetricsSpec = Field(default_factory=MetricsSpec, description="where live measurements go")
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="where the run is stopped")
    thresholds: tuple[ThresholdEntry, ...] = Field(
        (), description="what must hold for the run to pass, such as `ttft_p95 < 800ms`; none by default"
    )
    slo: SloSpec | None = Field(
        None, description="the times within which a request is a good one; goodput counts these; none by default"
    )
    cleanup: CleanupSpec = Field(
        default_factory=CleanupSpec, description="what becomes of what the run created and found out"
    )
    advanced: AdvancedSpec = Field(default_factory=AdvancedSpec, description="reproducibility, diagnosis, chaos")


class Scenario(Part):
    """A scenario file, read and checked."""

    api_version: Literal["loadtest.ai-aas.dev/v1"] = Field(description="version of this format; there is one")
    kind: Literal["LoadTestScenario"] = Field(description="what the document is; there is one kind")
    metadata: MetadataSpec = Field(default_factory=MetadataSpec, description="what the scenario and the run are called")
    spec: Spec = Field(default_factory=Spec, description="what the run does")

    def user_range(self) -> tuple[int, int]:
        """The fewest and the most users that can exist, over all organisations."""
        organizations, per_org = self.spec.organizations, self.spec.users.per_org
        fixed = {o.index: o.users for o in organizations.overrides if o.users is not None}
        weights = organizations.weights or (1.0,) * organizations.count
        drawn = sum(weight for index, weight in enumerate(weights, 1) if index not in fixed)
        share = organizations.count * drawn / sum(weights)
        users = sum(fixed.values())
        return users + math.floor(share * per_org.min), users + math.ceil(share * per_org.max)

    def prices(self) -> dict[str, Price]:
        """The price of every model that users may ask for. Every model has one once a scenario was checked."""
        names = [preference.model for preference in self.spec.user_behavior.model_preferences]
        names += [endpoint.own_model for endpoint in self.spec.endpoints if endpoint.own_model is not None]
        found = {name: price_of(name, self.spec.models) for name in names}
        return {name: price for name, price in found.items() if price is not None}
