"""One request through the whole path: a tenant, a user and a key are made as a run makes them, used once, and removed.

Names concrete adapters, as `wiring` does, and stands apart from it because that needs Ray, which is slow to start.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from time import monotonic_ns

from raysim.core.behaviour.conversation import Conversation
from raysim.core.behaviour.endpoint import CHAT
from raysim.core.behaviour.prompts import PromptWriter, Written
from raysim.core.behaviour.questions import question_hash
from raysim.core.config.models import price_of
from raysim.core.config.scenario import Scenario
from raysim.core.control.retry import NO_RETRY
from raysim.core.errors import BootstrapError, InterruptedRunError, RaysimError
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import PackBrief, RunPlan, UserPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.core.rng import Stream
from raysim.core.secret import Secret
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.embedded import embedded_config
from raysim.simplatform.server import start_platform
from raysim.tenancy.admin_calls import TokenSource
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import bootstrap_org, bootstrap_user, intended_org, intended_user, key_labels
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import TenancyError, TenantPlatform
from raysim.tenancy.removal import RemovalTerms, remove_owed
from raysim.tenancy.select import bootstrap_call_timeout_s, control_client, no_key, open_platform
from raysim.tenancy.static import KeySource, StaticKeys
from raysim.users.attempt import Question
from raysim.users.clients import router_of
from raysim.users.identity import Identity
from raysim.users.lag import LagMeter
from raysim.users.sender import Answer, Sender, wall_offset_ns
from raysim.wire.client import HttpClient
from raysim.wire.openai_request import Ask
from raysim.wire.tokenizer import TokenCounter, open_tokenizer


@dataclass(frozen=True, slots=True)
class ChatResult:
    """What became of the request.

    `text` is the visible text of the answer, `priced` whether its tokens have a price; `left` names what could not be
    removed from the platform.
    """

    question: str
    record: RequestRecord
    text: str
    priced: bool
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Access:
    """The platform, once its addresses are known, and who lends which credential."""

    target: TargetPlan
    token: TokenSource
    key: KeySource


async def chat(
    scenario: Scenario,
    *,
    run_id: str,
    started: str,
    environ: Mapping[str, str],
    model: str | None = None,
    prompt: str | None = None,
) -> ChatResult:
    """Ask once as the scenario's first user would.

    Args:
        scenario: a checked scenario.
        run_id: names what is created on the platform.
        started: the start as text, for `{timestamp}` in names.
        environ: where credentials that the scenario refers to are looked for.
        model: asked instead of the user's own.
        prompt: asked instead of the user's first question.

    Raises:
        TokenizerError: `targets.tokenizer` cannot be used; nothing was created.
        ConfigError: `targets.simulated` describes no platform.
        BootstrapError: the user could not be set up.
        InterruptedRunError: cancelled while it asked; what was created has been removed.
    """
    simulated = embedded_config(scenario.spec.targets.simulated)
    plan = build_plan(scenario, run_id, started=started)
    user = replace(plan.users[0], model=model or plan.users[0].model)
    price = price_of(user.model, scenario.spec.models)
    plan = replace(plan, prices=plan.prices if price is None else plan.prices | {user.model: price})
    conversation, written = _begin(plan, user, prompt)
    counter = open_tokenizer(plan.target.tokenizer)
    ledger = Ledger()
    failure: TenancyError | None = None
    answer: Answer | None = None
    async with AsyncExitStack() as stack:
        try:
            access = await _open(plan.target, simulated, environ, stack)
            if plan.target.platform != "static":
                # without it nothing can be made, and so nothing left
                await access.token(False)  # noqa: FBT003 - tenancy.admin_calls.TokenSource
            platform = open_platform(
                access.target,
                access.token,
                access.key,
                mark=run_id,
                call_timeout_s=bootstrap_call_timeout_s(plan.bootstrap.timeout_s),
            )
            stack.callback(platform.close)
            stack.push_async_callback(_remove, ledger, platform, scenario.spec.cleanup.timeout)
            identity = await _set_up(plan, user, platform, ledger)
            answer = await _ask(plan, access.target, identity, conversation, written, counter)
        except TenancyError as error:
            failure = error
    left = tuple(f"{resource.kind} {resource.resource_id or resource.label}" for resource in ledger.owed())
    if answer is None:
        raise _not_set_up(failure, left) from failure
    if answer.record.error_type is ErrorKind.CANCELLED:
        raise InterruptedRunError("interrupted while the request was under way")
    return ChatResult(written.question, answer.record, answer.text, answer.record.model in plan.prices, left)


def end_on_sigterm() -> None:
    """Have SIGTERM cancel the current task, as Ctrl-C does, so that what it created is removed."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _not_set_up(failure: TenancyError | None, left: tuple[str, ...]) -> BootstrapError:
    message = failure.message if failure else "the user could not be set up"
    if left:
        message = f"{message}; {', '.join(left)} could not be removed"
    return BootstrapError(message, hint=failure.hint if failure else None)


async def _open(
    target: TargetPlan, simulated: PlatformConfig, environ: Mapping[str, str], stack: AsyncExitStack
) -> _Access:
    """Reach the platform, or start it. Raises TenancyError."""
    if target.platform == "static":
        keys = StaticKeys.read(target, environ)

        async def first_key() -> Secret:
            return keys.of(0)

        return _Access(target, _lend(Secret("")), first_key)
    if target.platform == "embedded":
        running = await start_platform(simulated, "127.0.0.1")
        stack.push_async_callback(running.close)
        known = replace(target, router_url=running.url, org_url=running.url)
        return _Access(known, _lend(Secret(running.admin_token)), no_key)
    login = control_client(target) if target.auth.email else None
    if login is not None:
        stack.callback(login.close)
    return _Access(target, AdminCredential(target.auth, environ, login).token, no_key)


def _lend(secret: Secret) -> TokenSource:
    async def lend(refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        del refused
        return secret

    return lend


async def _set_up(plan: RunPlan, user: UserPlan, platform: TenantPlatform, ledger: Ledger) -> Identity:
    """A tenant, a user and its key, each on the ledger before it is used. Raises TenancyError."""

    async def enter(resource: Resource) -> None:
        ledger.enter(resource)

    tenant = next(tenant for tenant in plan.tenants if tenant.index == user.tenant)
    labels = key_labels(plan.run_id, user, 1)
    attempts = Attempts(asyncio.get_running_loop().time() + plan.bootstrap.timeout_s)
    creates = plan.target.platform != "static"
    if creates:
        ledger.enter(intended_org(tenant))
    org_id = await bootstrap_org(platform, tenant, attempts, enter)
    for resource in intended_user(user, org_id, labels) if creates else ():
        ledger.enter(resource)
    made = await bootstrap_user(
        platform, org_id, user, labels=labels, key_days=plan.key_days, enter=enter, attempts=attempts
    )
    return Identity(user, made.keys[0], org_id, made.user_id)


async def _remove(ledger: Ledger, platform: TenantPlatform, timeout_s: float) -> None:
    async def written(resources: list[Resource]) -> None:
        """The ledger itself is all there is."""

    await remove_owed(ledger, [platform], written, RemovalTerms(timeout_s))


async def _never(due_ns: int) -> bool:
    """There is no second attempt to wait for."""
    del due_ns
    return False


def _begin(plan: RunPlan, user: UserPlan, prompt: str | None) -> tuple[Conversation, Written]:
    """A conversation and the first message in it: `prompt` as it is, or what the user would write."""
    behaviour = plan.behaviour
    writer = PromptWriter(
        behaviour.prompts,
        behaviour.strategies,
        behaviour.system_prompt,
        seed=plan.seed,
        org=user.org_name,
        user=user.index,
        users=len(plan.users),
        incarnation=0,
        stream=Stream.of(user.seed, "chat"),
        templates=behaviour.templates,
    )
    conversation = Conversation(f"{user.name}-chat", writer.system, behaviour.context_limit_tokens)
    return conversation, writer.write(conversation) if prompt is None else Written(prompt, prompt, "")


async def _ask(
    plan: RunPlan,
    target: TargetPlan,
    identity: Identity,
    conversation: Conversation,
    written: Written,
    counter: TokenCounter | None,
) -> Answer:
    """Ask as the scenario's chat endpoint has it, once."""
    user = identity.plan
    endpoint = next((entry for entry in plan.behaviour.endpoints if entry.kind == "chat"), CHAT)
    behaviour = replace(plan.behaviour, endpoints=(endpoint,), retry=NO_RETRY, circuit=None)
    stream = Stream.of(user.seed, "chat")
    max_tokens = behaviour.max_tokens.sample_int(stream)
    prompt = conversation.prompt(written.text, max_tokens)
    brief = PackBrief.of(replace(plan, behaviour=behaviour), plan.packs[0], target)
    lag = LagMeter()
    sender = Sender(brief, identity, HttpClient(router_of(brief)), lag, counter=counter)
    lag.start()
    try:
        connect_ns = await sender.open(endpoint)
        due_ns = monotonic_ns()
        question = Question(
            endpoint=endpoint,
            ask=Ask(
                question=written.text,
                messages=prompt.messages,
                model=user.model,
                max_tokens=prompt.max_tokens,
                temperature=behaviour.temperature.sample(stream) if behaviour.temperature else None,
            ),
            due_ns=due_ns,
            conversation_id=conversation.conversation_id,
            turn=1,
            strategy=written.strategy,
            question_hash=question_hash(written.question),
            prompt_estimate=prompt.estimate,
            think_s=float("nan"),
            think_planned_s=float("nan"),
            connect_ns=connect_ns,
            turns_sent=0,
            prompt_target_tokens=written.target_tokens or ABSENT,
        )
        answer = await sender.ask(question, due_ns, wall_offset_ns(), _never)
    finally:
        lag.stop()
        sender.close()
    if answer is None:
        raise RaysimError("the request was not sent")
    return answer
