"""From a scenario to the plan of a run."""

from __future__ import annotations

from dataclasses import replace

from raysim.core.backends.target import BackendTarget
from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.config.load import ArrivalsSpec
from raysim.core.config.scenario import Scenario
from raysim.core.control.circuit import CircuitPolicy
from raysim.core.control.retry import RetryPolicy
from raysim.core.ids import default_seed, short_id
from raysim.core.plan.load import ArrivalPlan, LoadSchedule, PhasePlan
from raysim.core.plan.metrics_build import plan_metrics
from raysim.core.plan.run_plan import BootstrapPlan, LimitPlan, PackPlan, RunPlan, UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.plan.tenants import plan_tenants, plan_users

_SECONDS_PER_DAY = 86_400.0


def build_plan(scenario: Scenario, run_id: str, *, started: str) -> RunPlan:
    """The plan of the run `run_id`: the same for the same scenario, run id and seed, on any machine.

    Args:
        scenario: a checked scenario.
        run_id: the run's id; also the seed's source when the scenario gives none.
        started: the run's start as text, for `{timestamp}` in names.
    """
    spec = scenario.spec
    seed = spec.advanced.seed if spec.advanced.seed is not None else default_seed(run_id)
    short = short_id(run_id)
    tenants = plan_tenants(scenario, seed, short, started)
    users = plan_users(scenario, seed, short, tenants)
    expires_s = spec.api_keys.expires_in
    return RunPlan(
        run_id=run_id,
        short_id=short,
        scenario=scenario.metadata.name,
        seed=seed,
        tenants=tenants,
        packs=plan_packs(users, spec.workers.users_per_actor),
        schedule=LoadSchedule(_phases(scenario), len(users)),
        behaviour=_behaviour(scenario),
        prices=scenario.prices(),
        limits=_limits(scenario),
        bootstrap=BootstrapPlan(
            timeout_s=spec.bootstrap.timeout,
            concurrency=spec.bootstrap.concurrency,
            min_success=spec.bootstrap.min_success,
            abort_on_loss=spec.bootstrap.on_loss == "abort",
            respawn=spec.bootstrap.on_loss == "respawn",
        ),
        target=plan_target(scenario),
        key_days=None if expires_s is None else max(1, -int(-expires_s // _SECONDS_PER_DAY)),
        keys_per_user=spec.api_keys.per_user,
        thresholds=tuple(threshold.to_threshold() for threshold in spec.thresholds),
        slo=spec.slo.to_slo() if spec.slo else None,
        backends=_backends(scenario),
        metrics=plan_metrics(scenario),
    )


def _backends(scenario: Scenario) -> tuple[BackendTarget, ...]:
    return tuple(
        BackendTarget(
            id=backend.id,
            metrics_url=backend.metrics_url,
            kind=backend.kind,
            model=backend.model or "",
            gpu_type=backend.gpu_type or "",
            theoretical_tps=backend.theoretical_tps,
            capacity=backend.capacity,
            token_env=backend.token_env or "",
        )
        for backend in scenario.spec.targets.backends
    )


def amended(plan: RunPlan, scenario: Scenario) -> RunPlan:
    """`plan` with phases, behaviour and limits of `scenario`, which has the same users."""
    return replace(
        plan,
        schedule=LoadSchedule(_phases(scenario), len(plan.users)),
        behaviour=_behaviour(scenario),
        limits=_limits(scenario),
    )


def plan_packs(users: tuple[UserPlan, ...], users_per_actor: int) -> tuple[PackPlan, ...]:
    """Users dealt out to actors so that a ramp loads all actors alike and a lost one thins every org alike."""
    if users_per_actor == 1:
        return tuple(PackPlan(i, f"user/{user.org_name}/{user.name}", (user,)) for i, user in enumerate(users))
    count = max(1, -(-len(users) // users_per_actor))
    digits = len(str(count))
    return tuple(
        PackPlan(index, f"pack/{index + 1:0{digits}}-of-{count}", tuple(members))
        for index, members in enumerate(_deal(users, count))
    )


def _deal(users: tuple[UserPlan, ...], count: int) -> list[list[UserPlan]]:
    """In rounds of one user to a pack, each round turned so that it meets as few of the same org as it can.

    Without the turn an org would meet the same packs in every round whenever the two numbers have a common divisor.
    """
    packs: list[list[UserPlan]] = [[] for _ in range(count)]
    held: dict[int, list[int]] = {user.tenant: [0] * count for user in users}
    for first in range(0, len(users), count):
        dealt = users[first : first + count]
        rows = [held[user.tenant] for user in dealt]
        meetings = [
            sum(row[(place + turn) % count] for place, row in enumerate(rows)) for turn in range(min(count, len(held)))
        ]
        turn = meetings.index(min(meetings))
        for place, user in enumerate(dealt):
            pack = (place + turn) % count
            held[user.tenant][pack] += 1
            packs[pack].append(user)
    return packs


def _phases(scenario: Scenario) -> tuple[PhasePlan, ...]:
    pattern = scenario.spec.load_pattern
    most = scenario.user_range()[1]
    phases: list[PhasePlan] = []
    start_s, users = 0.0, 0
    for index, phase in enumerate(pattern.phases):
        target = most if phase.target_active_users is None else phase.target_active_users
        phases.append(
            PhasePlan(
                index=index,
                name=phase.name,
                kind=phase.effective_kind,
                start_s=start_s,
                duration_s=phase.duration,
                from_users=users,
                to_users=target,
                ramp=pattern.ramp_of(phase),
                steps=phase.steps,
                period_s=phase.period or phase.duration,
                excluded=phase.excluded,
                arrivals=_arrivals(phase.arrivals or pattern.arrivals),
            )
        )
        start_s, users = start_s + phase.duration, target
    return tuple(phases)


def _arrivals(spec: ArrivalsSpec) -> ArrivalPlan | None:
    if spec.mode == "closed" or spec.requests_per_second is None:
        return None
    return ArrivalPlan(spec.mode, spec.requests_per_second, spec.max_in_flight)


def _behaviour(scenario: Scenario) -> Behaviour:
    spec = scenario.spec.user_behavior
    handling = spec.error_handling
    breaker = handling.circuit_breaker
    return Behaviour(
        think_s=spec.think_time_seconds.to_distribution(),
        questions_per_session=spec.questions_per_session.to_distribution(),
        session_duration_s=spec.session_duration.to_distribution() if spec.session_duration else None,
        multi_turn_probability=spec.conversation.multi_turn_probability,
        turns=spec.conversation.turns.to_distribution(),
        context_limit_tokens=spec.conversation.context_limit_tokens,
        strategies=tuple((strategy.name, strategy.weight) for strategy in spec.question_strategies),
        max_tokens=spec.max_tokens_per_request.to_distribution(),
        temperature=spec.temperature.to_distribution() if spec.temperature else None,
        system_prompt=scenario.spec.targets.system_prompt,
        streaming=scenario.spec.targets.streaming,
        endpoints=tuple(endpoint.to_plan() for endpoint in scenario.spec.endpoints),
        retry=RetryPolicy(handling.retry_attempts, handling.retry_backoff, handling.honour_retry_after),
        circuit=CircuitPolicy(breaker.failures, breaker.open_for) if breaker is not None else None,
        prompts=spec.prompt_tokens.to_plan(),
        templates=tuple(template.to_template() for template in scenario.spec.advanced.question_templates),
        chaos=chaos.to_plan() if (chaos := scenario.spec.advanced.chaos) else None,
    )


def _limits(scenario: Scenario) -> LimitPlan:
    spec = scenario.spec.limits
    return LimitPlan(
        max_cost_usd=spec.max_cost_usd,
        max_error_rate=spec.max_error_rate,
        error_window_s=spec.error_window,
        min_requests=spec.min_requests,
        count_refusals=spec.count_refusals,
        max_duration_s=spec.max_duration,
        max_requests_per_user=spec.max_requests_per_user,
        lease_s=spec.lease,
        drain_s=spec.drain,
        max_requests_per_second=spec.max_requests_per_second,
        unknown_cost=spec.unknown_cost,
    )


def plan_target(scenario: Scenario) -> TargetPlan:
    """The platform of `scenario`, in the form that travels; what a clean-up needs of a scenario."""
    spec = scenario.spec.targets
    login = spec.auth.login
    auth = AuthPlan(
        token_env=spec.auth.token_env or "",
        token_file=spec.auth.token_file or "",
        email=login.email if login else "",
        password_env=(login.password_env if login else None) or "",
        password_file=(login.password_file if login else None) or "",
        org_id=(login.org_id if login else None) or "",
        client_id=(login.client_id if login else None) or "",
        client_secret_env=(login.client_secret_env if login else None) or "",
    )
    return TargetPlan(
        platform=spec.platform,
        router_url=spec.api_router_url or "",
        org_url=spec.user_org_url or "",
        auth=auth,
        connect_timeout_s=spec.timeouts.connect,
        first_token_timeout_s=spec.timeouts.first_token,
        total_timeout_s=spec.timeouts.total,
        tls_verify=spec.tls.verify,
        tls_ca_file=spec.tls.ca_file or "",
        tls_cert_file=spec.tls.cert_file or "",
        tls_key_file=spec.tls.key_file or "",
        correlation_id=scenario.spec.advanced.correlation_id or "",
        key_env=(spec.api_keys.env if spec.api_keys else None) or "",
        key_file=(spec.api_keys.file if spec.api_keys else None) or "",
        keep_alive=not spec.new_connection_per_request,
        tokenizer=spec.tokenizer or "",
        watched=tuple(
            (name, url)
            for name, url in (
                ("budget service", spec.budget_service_url),
                ("analytics service", spec.analytics_service_url),
            )
            if url
        ),
    )
