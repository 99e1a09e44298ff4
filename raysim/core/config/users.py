"""`spec.users`, `spec.apiKeys`, `spec.bootstrap`: the users that a run creates, their keys, and how fast."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from raysim.core.behaviour.distributions import Distribution
from raysim.core.config.base import Count, Part, PositiveDuration, Ratio, unknown_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

#: what a user's naming pattern may hold
USER_PLACEHOLDERS = ("org", "index", "random")

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


class PerOrgSpec(Part):
    """Number of users in an organisation, drawn from [min, max]."""

    min: Count = Field(description="fewest users an organisation gets")
    max: Count = Field(description="most users an organisation gets")
    distribution: Literal["random", "gaussian", "uniform"] = Field(
        "uniform", description="how the numbers are spread; random is another word for uniform"
    )

    def to_distribution(self) -> Distribution:
        """The distribution that these values describe."""
        kind: Literal["gaussian", "uniform"] = "gaussian" if self.distribution == "gaussian" else "uniform"
        return Distribution(kind, float(self.min), float(self.max))

    def problems(self) -> Iterator[tuple[str, str]]:
        """An interval that is empty."""
        if self.min > self.max:
            yield "min", f"found {self.min}, which is more than max ({self.max}); swap them or widen the interval"


class UsersSpec(Part):
    """How many users each organisation has and what they are called."""

    per_org: PerOrgSpec = Field(
        default_factory=lambda: PerOrgSpec(min=5, max=5),
        description="users in each organisation; five are enough to see requests overlap",
    )
    naming_pattern: str = Field(
        "user-{org}-{index}",
        min_length=1,
        description="name of each; {org} is the organisation's name, {index} counts from 1 in it, {random} is drawn",
    )
    email_domain: str = Field(
        "loadtest.invalid",
        description="domain of the users' addresses; a reserved one, so that no real mailbox is ever invited",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Names that would collide, a domain that is none."""
        unknown = unknown_placeholders(self.naming_pattern, USER_PLACEHOLDERS)
        if unknown:
            yield "namingPattern", f"found {', '.join(unknown)}; expected only {{org}}, {{index}}, {{random}}"
        elif self.per_org.max > 1 and not any(f"{{{name}}}" in self.naming_pattern for name in ("index", "random")):
            yield "namingPattern", "gives all users of an organisation the same name; add {index}"
        if not _DOMAIN.fullmatch(self.email_domain):
            yield "emailDomain", f"found {self.email_domain!r}; expected a domain such as loadtest.invalid"


class ApiKeysSpec(Part):
    """The keys that users create for themselves."""

    per_user: Count = Field(
        1, description="keys each user creates; one is what a user needs; of several, each conversation uses the next"
    )
    expires_in: PositiveDuration | None = Field(
        86_400.0,
        description="validity of a key, in seconds once read, rounded up to days where the platform counts in days; "
        "a day, so that a key left behind by a killed run dies by itself; null for no expiry",
    )


class BootstrapSpec(Part):
    """How users are set up before load starts."""

    timeout: PositiveDuration = Field(
        60.0,
        description="longest time for one organisation, and for one user from its turn on, retries included, in "
        "seconds once read; a call counts as lost after a tenth of it",
    )
    concurrency: Count = Field(
        8,
        description="users set up at once in the whole run; few, because an invitation costs the platform two slow "
        "hashes",
    )
    min_success: Ratio = Field(
        0.95, description="share of users (0 to 1) that must come up, else the run ends before load starts"
    )
    on_loss: Literal["respawn", "continue", "abort"] = Field(
        "continue", description="what follows when a user's actor is lost: replace it, go on without it, or stop"
    )
