"""The API router: who may ask what, and which backend answers."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from raysim.core.pricing import cost_usd
from raysim.core.rng import Stream
from raysim.simplatform.admission import Denial
from raysim.simplatform.call import AdmittedCall, Call, Refusal
from raysim.simplatform.inference import Job
from raysim.simplatform.ledger import Fate
from raysim.simplatform.openai_request import Ask, Endpoint, InvalidRequest, parse_ask
from raysim.simplatform.rendering import completion_id
from raysim.simplatform.text import Answer, answer_to

if TYPE_CHECKING:
    from raysim.simplatform.accounts import Org
    from raysim.simplatform.backend import Backend
    from raysim.simplatform.http import Exchange, Request
    from raysim.simplatform.state import PlatformState

_DENIALS = {
    "rate_limit": (429, "RATE_LIMIT_EXCEEDED", "rate limit exceeded", Fate.REFUSED_RATE_LIMIT),
    "budget": (402, "BUDGET_EXCEEDED", "budget exceeded", Fate.REFUSED_BUDGET),
    "quota": (402, "QUOTA_EXCEEDED", "quota exceeded", Fate.REFUSED_QUOTA),
}


class Router:
    """Answers the inference endpoints."""

    def __init__(self, state: PlatformState) -> None:
        self._state = state
        self._numbers = count(1)

    def infer(self, endpoint: Endpoint, request: Request, exchange: Exchange) -> None:
        """Answer one inference request, or begin to."""
        call = Call(exchange, self._state.ledger, litellm=self._state.config.mode == "litellm")
        try:
            org = self._authenticate(call, request)
            ask = self._read(call, endpoint, request)
            admitted = self._admit(call, org, ask)
        except Refusal as refusal:
            call.refuse(refusal)
            return
        Job(admitted).start()

    def _authenticate(self, call: Call, request: Request) -> Org:
        state = self._state
        if request.too_large:
            raise Refusal(Fate.REFUSED_INVALID, 413, "", "request body too large")
        if request.method != "POST":
            raise Refusal(Fate.REFUSED_INVALID, 405, "INVALID_REQUEST", "method not allowed")
        identity = state.accounts.identify(_credential(request.headers), call.started_unix)
        if identity is None:
            raise Refusal(Fate.REFUSED_AUTH, 401, "AUTH_INVALID", "invalid api key")
        call.org = identity.org
        if identity.refusal:
            raise Refusal(Fate.REFUSED_AUTH, 401, "AUTH_INVALID", identity.refusal)
        rate = state.admission.rate(identity.org.id, identity.key.id, call.started)
        if isinstance(rate, Denial):
            raise self._denied(rate, identity.org)
        call.headers += (("X-RateLimit-Limit", f"{rate.limit:g}"), ("X-RateLimit-Remaining", str(rate.remaining)))
        return identity.org

    def _read(self, call: Call, endpoint: Endpoint, request: Request) -> Ask:
        try:
            ask = parse_ask(endpoint, request.body, modern=self._state.config.mode != "aiaas")
        except InvalidRequest as error:
            raise Refusal(Fate.REFUSED_INVALID, 400, error.code, str(error)) from error
        model = self._state.models.get(ask.model)
        if model is None:
            raise Refusal(Fate.FAILED_ERROR, 500, "ROUTING_ERROR", "no backend serves this model")
        call.model = ask.model
        if (model.kind == "embedding") != (endpoint is Endpoint.EMBEDDINGS):
            raise _invalid(f"{ask.model} does not serve this endpoint")
        window = model.price.context_window
        if window is not None and ask.prompt_tokens >= window:
            raise _invalid(f"the prompt has {ask.prompt_tokens} tokens; {ask.model} takes fewer than {window}")
        if ask.stream and request.http_1_0:
            raise _invalid("a stream needs HTTP/1.1")
        return ask

    def _admit(self, call: Call, org: Org, ask: Ask) -> AdmittedCall:
        state = self._state
        price = state.prices[ask.model]
        backend = _least_loaded(state.backends, ask.model)
        if backend is None:
            raise Refusal(Fate.FAILED_ERROR, 500, "ROUTING_ERROR", "no backend serves this model")
        if ask.stream and state.config.mode == "aiaas":
            raise Refusal(Fate.FAILED_ERROR, 502, "BACKEND_ERROR", "invalid response from backend")
        budget = state.admission.spend(org.id, cost_usd(price, ask.prompt_tokens, 0), call.started)
        if isinstance(budget, Denial):
            raise self._denied(budget, org)
        if call.litellm:
            call.headers += (("x-litellm-model-id", backend.id),)
        else:
            call.headers += (("X-Routing-Backend", backend.id), ("X-Routing-Decision", "least_loaded"))
        if ask.stream:
            call.ledger.stream_opened(org.id)
        identifier = completion_id(ask, next(self._numbers))
        return AdmittedCall(
            call, state, org, ask, self._answer(ask, price.context_window), price, budget, backend, identifier
        )

    def _answer(self, ask: Ask, window: int | None) -> Answer:
        model = self._state.models[ask.model]
        if model.kind == "embedding":
            return Answer(0, 0, "stop")
        stream = Stream.of(self._state.config.seed, "answer", ask.model, *ask.texts)
        room = None if window is None else window - ask.prompt_tokens
        return answer_to(stream, model.output_tokens, max_tokens=ask.max_tokens, room=room, fill=ask.fill)

    def _denied(self, denial: Denial, org: Org) -> Refusal:
        self._state.counters.denials[denial.kind][org.id] += 1
        status, code, text, fate = _DENIALS[denial.kind]
        context = {"current_usage": denial.usage, "limit": denial.limit, "quota_type": denial.quota_type}
        fields: dict[str, object] = {"limit_context": context}
        headers: tuple[tuple[str, str], ...] = ()
        if denial.kind == "rate_limit":
            fields["retry_after_seconds"] = denial.retry_after_s
            headers = (
                ("Retry-After", str(denial.retry_after_s)),
                ("X-RateLimit-Limit", f"{denial.rate:g}"),
                ("X-RateLimit-Remaining", "0"),
            )
        return Refusal(fate, status, code, text, headers=headers, fields=fields)


def _invalid(text: str) -> Refusal:
    return Refusal(Fate.REFUSED_INVALID, 400, "VALIDATION_ERROR", text)


def _credential(headers: dict[str, str]) -> str:
    key = headers.get("x-api-key")
    if key:
        return key
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _least_loaded(backends: tuple[Backend, ...], model: str) -> Backend | None:
    candidates = [backend for backend in backends if model in backend.models]
    return min(candidates, key=lambda backend: backend.load) if candidates else None
