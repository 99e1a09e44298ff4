"""Who a simulated user is on the platform."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.plan.run_plan import UserPlan
from raysim.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Identity:
    """A user that was set up: the platform's ids of its organisation and itself, and its API key.

    A platform without ids of its own leaves them empty; the plan's names then stand for them. The key is empty where
    none is asked for. Where it has several, `more_keys` are the others.
    """

    plan: UserPlan
    key: Secret
    org_id: str = ""
    user_id: str = ""
    more_keys: tuple[Secret, ...] = ()

    @property
    def keys(self) -> tuple[Secret, ...]:
        """All of its keys."""
        return (self.key, *self.more_keys)

    @property
    def org_reference(self) -> str:
        """What stands for its organisation in requests."""
        return self.org_id or self.plan.org_name

    @property
    def user_reference(self) -> str:
        """What stands for the user in requests."""
        return self.user_id or self.plan.name
