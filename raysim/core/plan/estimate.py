"""What a plan needs and what it may cost, before anything runs. Upper bounds, and said to be so."""

from __future__ import annotations

import math
from dataclasses import dataclass

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.behaviour.endpoint import LIMIT_FIELDS, EndpointPlan
from raysim.core.control.slots import SLOT_LIFE_S
from raysim.core.plan.run_plan import RunPlan
from raysim.core.pricing import cost_usd

#: measured on Ray 2.60: proportional set size of an idle actor process, and of what a simulated user adds to one
ACTOR_MIB = 60.0
USER_MIB = 0.3
#: CPU that starting one actor process takes, nearly all of it importing Ray
ACTOR_START_CPU_S = 1.5
#: a Poisson number exceeds its mean by more standard deviations than this once in some million runs
_SPREADS = 5.0
#: one of raysim's own questions is no longer than this
QUESTION_CHARACTERS = 480


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect of a plan.

    `worst_case_usd` is None when think time can be 0, so that only a limit bounds the requests.
    """

    tenants: int
    users: int
    peak_users: int
    actors: int
    memory_mib: float
    start_cpu_s: float
    duration_s: float
    most_requests: int | None
    dearest_request_usd: float
    worst_case_usd: float | None
    longest_prompt_tokens: int = 0


def estimate(plan: RunPlan) -> Estimate:
    """Bounds for `plan`: as if every answer came at once and used all the tokens it may."""
    behaviour = plan.behaviour
    prompt = _longest_prompt(behaviour)
    answer = max(_longest_answer(behaviour, endpoint) for endpoint in behaviour.endpoints)
    dearest = max((cost_usd(price, prompt, answer) for price in plan.prices.values()), default=0.0)
    most = _most_requests(plan)
    return Estimate(
        tenants=len(plan.tenants),
        users=len(plan.users),
        peak_users=plan.schedule.peak_users,
        actors=len(plan.packs),
        memory_mib=len(plan.packs) * ACTOR_MIB + len(plan.users) * USER_MIB,
        start_cpu_s=len(plan.packs) * ACTOR_START_CPU_S,
        duration_s=plan.schedule.duration_s,
        most_requests=most,
        dearest_request_usd=dearest,
        worst_case_usd=None if most is None else most * dearest,
        longest_prompt_tokens=prompt,
    )


def _longest_prompt(behaviour: Behaviour) -> int:
    """A question alone, or with context up to its target; or, as conversations grow, whatever the context may hold."""
    prompts = behaviour.prompts
    question = max((template.compiled().most_characters for template in behaviour.templates), default=0)
    question = max(question, QUESTION_CHARACTERS)
    alone = estimate_tokens("x" * (question + len(behaviour.system_prompt))) + prompts.shared_prefix_tokens
    wanted = 0 if prompts.target is None else math.floor(prompts.target.high)
    grown = behaviour.context_limit_tokens if behaviour.multi_turn_probability > 0 else 0
    templates = (estimate_tokens(str(endpoint.template)) for endpoint in behaviour.endpoints if endpoint.template)
    return max(alone, wanted, grown) + max(templates, default=0)


def _longest_answer(behaviour: Behaviour, endpoint: EndpointPlan) -> int:
    template = endpoint.template or {}
    stated = [limit for name in LIMIT_FIELDS if isinstance(limit := template.get(name), int)]
    return max(stated, default=math.floor(behaviour.max_tokens.high))


def most_requests_of_a_user(plan: RunPlan) -> int | None:
    """As many as one user can make if every answer comes at once; None when nothing bounds them.

    Where requests arrive by the clock, they are shared out evenly.
    """
    capped = plan.limits.max_requests_per_user
    closed_s = sum(phase.duration_s for phase in plan.schedule.phases if phase.arrivals is None)
    shortest_s = plan.behaviour.think_s.low
    if closed_s > 0 and shortest_s <= 0:
        return capped
    # it may be sent home and called back with every rise of the load, and asks at once when it comes back
    thinking = math.ceil(closed_s / shortest_s) + len(plan.schedule.phases) if closed_s > 0 else 0
    by_time = thinking + math.ceil(_by_clock(plan) / len(plan.users))
    return by_time if capped is None else min(capped, by_time)


def _most_requests(plan: RunPlan) -> int | None:
    capped = plan.limits.max_requests_per_user
    by_users = None if capped is None else capped * len(plan.users)
    bounds = [by_users, _by_thinking(plan), _by_rate(plan)]
    return min((bound for bound in bounds if bound is not None), default=None)


def _by_thinking(plan: RunPlan) -> int | None:
    """What arrives by the clock, and what users can ask in the phases in which they think between two questions."""
    phases = plan.schedule.phases
    by_clock = _by_clock(plan)
    arriving = [phase for phase in phases if phase.arrivals is not None]
    if len(arriving) == len(phases):
        return by_clock
    shortest_s = plan.behaviour.think_s.low
    if shortest_s <= 0:
        return None
    # whoever starts or comes back asks once before it first thinks, and so does everyone after an open loop
    asked = math.ceil(plan.schedule.active_user_seconds() / shortest_s) + plan.schedule.activations()
    return by_clock + asked + len(plan.users) * len(arriving)


def _by_clock(plan: RunPlan) -> int:
    means = [phase.arrivals.rate * phase.duration_s for phase in plan.schedule.phases if phase.arrivals is not None]
    return sum(math.ceil(mean + _SPREADS * math.sqrt(mean)) for mean in means)


def _by_rate(plan: RunPlan) -> int | None:
    rate = plan.limits.max_requests_per_second
    return None if rate is None else math.ceil(rate * (plan.schedule.duration_s + SLOT_LIFE_S)) + 1
