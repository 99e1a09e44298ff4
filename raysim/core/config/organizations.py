"""`spec.organizations`: the tenants that a run creates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from raysim.core.config.base import Count, NonNegative, Part, unknown_placeholders, weight_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

#: what an organisation's naming pattern may hold
ORGANIZATION_PLACEHOLDERS = ("index", "timestamp", "random")


class OrganizationOverride(Part):
    """What differs for one organisation."""

    index: Count = Field(description="which organisation, counted from 1 as `{index}` counts")
    users: Count | None = Field(None, description="its number of users, instead of a draw from users.perOrg")
    budget_usd: NonNegative | None = Field(None, description="its budget in USD, instead of organizations.budgetUsd")


class OrganizationsSpec(Part):
    """How many organisations there are, what they are called, how users are shared among them."""

    count: Count = Field(1, description="organisations to create; one is enough to measure latency")
    naming_pattern: str = Field(
        "org-{index}",
        min_length=1,
        description="each one's name; {index} counts from 1, {timestamp} is the run's start, {random} is drawn",
    )
    distribution: Literal["even", "weighted", "random"] = Field(
        "even",
        description="how users are shared: each organisation draws from users.perOrg; random keeps the draws, even and "
        "weighted share out their sum, equally or by `weights`; even because tenants are then comparable",
    )
    budget_usd: NonNegative | None = Field(
        None,
        description="budget of each organisation in USD, set where raysim can set it (embedded, litellm), "
        "else what the report expects; none by default",
    )
    weights: tuple[NonNegative, ...] = Field(
        (), description="relative sizes, one for each organisation; only with distribution weighted"
    )
    overrides: tuple[OrganizationOverride, ...] = Field((), description="what differs for single organisations")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Names that would collide, weights and overrides that do not fit the count."""
        unknown = unknown_placeholders(self.naming_pattern, ORGANIZATION_PLACEHOLDERS)
        if unknown:
            yield "namingPattern", f"found {', '.join(unknown)}; expected only {{index}}, {{timestamp}}, {{random}}"
        elif self.count > 1 and not any(f"{{{name}}}" in self.naming_pattern for name in ("index", "random")):
            yield "namingPattern", f"gives all {self.count} organisations the same name; add {{index}}"
        if self.distribution == "weighted" and len(self.weights) != self.count:
            yield "weights", f"found {len(self.weights)} weights; expected {self.count}, one for each organisation"
        elif self.weights and self.distribution != "weighted":
            yield "weights", f"has no effect with distribution {self.distribution}; set distribution: weighted"
        elif message := weight_problem(self.weights):
            yield "weights", message
        seen: set[int] = set()
        for place, override in enumerate(self.overrides):
            if override.index > self.count:
                yield f"overrides[{place}].index", f"found {override.index}; there are {self.count} organisations"
            elif override.index in seen:
                yield f"overrides[{place}].index", f"organisation {override.index} has an override already"
            seen.add(override.index)

    def budget_of(self, index: int) -> float | None:
        """Budget in USD of organisation `index` (from 1); None when it has none."""
        own = next((o.budget_usd for o in self.overrides if o.index == index), None)
        return self.budget_usd if own is None else own

    @property
    def has_budget(self) -> bool:
        """Whether any organisation has a budget."""
        return self.budget_usd is not None or any(o.budget_usd is not None for o in self.overrides)
