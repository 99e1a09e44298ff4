"""Whether a scenario's own questions are enough for what its users may ask."""

from __future__ import annotations

import math
from collections.abc import Iterator

from raysim.core.behaviour.questions import TEMPLATE
from raysim.core.errors import Problem
from raysim.core.plan.estimate import most_requests_of_a_user
from raysim.core.plan.run_plan import RunPlan


def supply_warnings(plan: RunPlan) -> Iterator[Problem]:
    """A warning for each template that makes fewer questions than the plan may ask of it.

    A template's questions are dealt out evenly among all users, so it is enough when every user's share is as large as
    what that user may ask.
    """
    behaviour = plan.behaviour
    share = _share(behaviour.strategies)
    if not behaviour.templates or share <= 0:
        return
    users = len(plan.users)
    most = most_requests_of_a_user(plan)
    weights = sum(template.weight for template in behaviour.templates)
    for place, template in enumerate(behaviour.templates):
        size = template.compiled().size
        path = f"spec.advanced.questionTemplates[{place}]"
        if most is None:
            yield Problem(
                path,
                f"makes {size:,} questions for {users:,} users; the plan sets no bound to what they ask, as think time "
                f"can be 0, and after {size // users:,} of them a user's questions repeat, which the results count",
            )
            continue
        wanted = math.ceil(most * share * template.weight / weights) * users
        if wanted > size:
            yield Problem(
                path,
                f"makes {size:,} questions, and {users:,} users may ask it up to {wanted:,} times: questions will "
                "repeat, which the results count; give its variables more values, or lower its weight",
            )


def _share(strategies: tuple[tuple[str, float], ...]) -> float:
    """The share of all questions that are of strategy `template`, 0 to 1."""
    return sum(weight for name, weight in strategies if name == TEMPLATE) / sum(weight for _, weight in strategies)
