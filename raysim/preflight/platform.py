"""All that preflight asks of the platform, at the same time and each with a short time-out.

Runs where credentials may be read: in the coordinator, in a task beside it, or in this process before there is a Ray.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.errors import RaysimError
from raysim.core.plan.run_plan import RunPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.backends import backends_request, judge_backends
from raysim.preflight.check import Check, printable
from raysim.preflight.clock import judge_platform_clock
from raysim.preflight.credentials import Lenders, admin_request, judge_admin, judge_key, judge_keys
from raysim.preflight.gateway import Opened, check_gateways
from raysim.preflight.models import MODELS_PATH, judge_models, judge_prices, models_asked
from raysim.preflight.page import Caller, Page, Request, WireCaller, check_tls
from raysim.preflight.probe import judge_probe, probe_request
from raysim.preflight.services import ServicePage, judge_service, pages_of

#: for a login that hashes, and the call that follows it
_CREDENTIAL_TIMEOUT_S = 8.0
#: a scenario has few models; one with very many must not burst
_PROBES_AT_ONCE = 32
_PROBE = "request to each model"


async def check_platform(plan: RunPlan, target: TargetPlan, lenders: Lenders, *, probe: bool) -> list[Check]:
    """Everything there is to know about the platform before the run.

    Args:
        plan: what is to happen.
        target: the platform, with its addresses as they are now known.
        lenders: who lends credentials.
        probe: whether each model may be sent a tiny request, where there are keys already.
    """
    if unusable := check_tls(target):
        return [*unusable, Check("platform", "skipped", "without these files nothing can be asked")]
    call = WireCaller.of(target)
    return await PlatformChecks(plan, target, lenders, call).all(probe=probe)


@dataclass(frozen=True, slots=True)
class PlatformChecks:
    """The checks of one platform, over `call`, and of where metrics go, over `gateway` and by `environ`."""

    plan: RunPlan
    target: TargetPlan
    lenders: Lenders
    call: Caller
    gateway: Opened = WireCaller.of_gateway
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    async def all(self, *, probe: bool) -> list[Check]:
        """Every check, in the order in which a person reads them."""
        access = self._with_keys(probe=probe) if self.target.platform == "static" else self._with_tenants()
        (checks, pages), rest, gateways = await asyncio.gather(
            self._services(pages_of(self.target)),
            access,
            check_gateways(self.plan.metrics, self.environ, self.gateway),
        )
        gone = {page.request.base for page in pages} - {page.request.base for page in pages if page.reached}
        return [
            *_unrepeated(checks, gone),
            judge_platform_clock(pages),
            *_unrepeated(rest, gone, once=False),
            *gateways,
        ]

    async def _services(self, services: Sequence[ServicePage]) -> tuple[list[Check], list[Page]]:
        pages = await asyncio.gather(*(self.call(service.request) for service in services))
        return [judge_service(service, page) for service, page in zip(services, pages, strict=True)], pages

    async def _with_tenants(self) -> list[Check]:
        """Where users' keys are yet to be made: the administrator's token, and what can be known without a key."""
        asked = models_asked(self.plan)
        admin, listing, backends = await asyncio.gather(self._admin(), self._listing(), self._backends())
        return [
            admin,
            judge_models(asked, listing, (), final=True),
            judge_prices(asked, self.plan.prices),
            Check(_PROBE, "skipped", "users have no keys before bootstrap; `raysim chat` sets one up and asks once"),
            *backends,
        ]

    async def _backends(self) -> list[Check]:
        """What a router says of its backends, when nobody has said whose metrics to read."""
        if self.target.platform != "aiaas" or self.plan.backends:
            return []
        return judge_backends(await self.call(backends_request(self.target)))

    async def _admin(self) -> Check:
        async def ask() -> Check:
            token = await self.lenders.admin_token(False)  # noqa: FBT003 - a callable's only argument
            return judge_admin(self.target, await self.call(admin_request(self.target, token)))

        return await _lent("administrator", ask)

    async def _listing(self) -> Page:
        token = Secret("")
        if self.target.platform == "litellm":
            # it lists models to nobody else
            try:
                token = await self.lenders.admin_token(False)  # noqa: FBT003
            except RaysimError:
                token = Secret("")
        return await self.call(Request(self.target.router_url, MODELS_PATH, secret=token))

    async def _with_keys(self, *, probe: bool) -> list[Check]:
        """Where keys were brought along: the first one, and a tiny request to each model with it."""
        asked = models_asked(self.plan)
        prices = judge_prices(asked, self.plan.prices)
        try:
            keys = self.lenders.keys()
        except RaysimError as error:
            reason = "there is no key to ask with"
            return [
                Check("users' keys", "failed", error.message, error.hint or ""),
                *(Check(name, "skipped", reason) for name in ("first key", "models", _PROBE)),
                prices,
            ]
        key = keys.of(0)
        request = Request(self.target.router_url, MODELS_PATH, secret=key)
        listing, probes = await asyncio.gather(self.call(request), self._probes(asked, key, probe=probe))
        passed = [model for model, check in probes.items() if check.verdict == "passed"]
        return [
            judge_keys(keys, len(self.plan.users)),
            judge_key(listing, keys),
            judge_models(asked, listing, passed, final=False),
            prices,
            *(probes.values() if probe else [Check(_PROBE, "skipped", "switched off (--no-probe, preflight.probe)")]),
        ]

    async def _probes(self, asked: dict[str, EndpointPlan | None], key: Secret, *, probe: bool) -> dict[str, Check]:
        turns = asyncio.Semaphore(_PROBES_AT_ONCE)

        async def ask(model: str, endpoint: EndpointPlan | None) -> Check:
            if endpoint is None:
                reason = "only a custom endpoint asks for it, whose requests are not known to be harmless"
                return Check(f"request to {printable(model, 60)}", "skipped", reason)
            async with turns:
                page = await self.call(probe_request(self.target, endpoint, model, key))
            return judge_probe(model, page, self.plan.prices.get(model))

        if not probe:
            return {}
        checks = await asyncio.gather(*(ask(model, endpoint) for model, endpoint in asked.items()))
        return dict(zip(asked, checks, strict=True))


def _unrepeated(checks: Sequence[Check], gone: Collection[str], *, once: bool = True) -> list[Check]:
    """A service that nobody can reach fails `once`, at its first check; what else was to be asked there is skipped."""
    told = set() if once else set(gone)
    kept = []
    for check in checks:
        base = next((base for base in gone if check.found.startswith(f"{base}/")), None)
        if check.verdict == "failed" and base is not None:
            kept.append(Check(check.name, "skipped", f"nothing answers at {base}") if base in told else check)
            told.add(base)
        else:
            kept.append(check)
    return kept


async def _lent(name: str, ask: Callable[[], Awaitable[Check]]) -> Check:
    """A check that borrows a credential first; a lender's refusal or silence is a failed check."""
    try:
        async with asyncio.timeout(_CREDENTIAL_TIMEOUT_S):
            return await ask()
    except RaysimError as error:
        return Check(name, "failed", error.message, error.hint or "")
    except TimeoutError:
        found = f"the platform did not say within {_CREDENTIAL_TIMEOUT_S:g} s whether it takes the credential"
        return Check(name, "failed", found, "is the user/org service overloaded?")
