"""A request at the router: who sent it, what it may cost, how it is refused, answered and booked."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from raysim.core.pricing import cost_usd
from raysim.simplatform.http import Reply
from raysim.simplatform.ledger import Entry, Fate
from raysim.simplatform.litellm import error_document
from raysim.simplatform.openai_request import Ask, Endpoint
from raysim.simplatform.rendering import embeddings_answer, inference_answer, whole_answer

if TYPE_CHECKING:
    from raysim.core.pricing import Price
    from raysim.simplatform.accounts import Org
    from raysim.simplatform.admission import Budget
    from raysim.simplatform.backend import Backend
    from raysim.simplatform.http import Exchange, Headers
    from raysim.simplatform.ledger import Ledger
    from raysim.simplatform.state import PlatformState
    from raysim.simplatform.text import Answer

_ERROR_CODES = {500: "ROUTING_ERROR", 502: "BACKEND_ERROR", 503: "BACKEND_ERROR"}
#: the router's code → status and type of a LiteLLM proxy
_LITELLM_ERRORS = {
    "BUDGET_EXCEEDED": (422, "budget_exceeded"),
    "QUOTA_EXCEEDED": (422, "budget_exceeded"),
    "RATE_LIMIT_EXCEEDED": (429, "throttling_error"),
    "AUTH_INVALID": (401, "auth_error"),
    "BACKEND_ERROR": (503, "internal_server_error"),
    "ROUTING_ERROR": (500, "internal_server_error"),
}
#: what `api_router_backend_requests_total` says in its label `status`
_STATUS_LABELS = {
    Fate.SERVED: "200",
    Fate.FAILED_CUT: "200",
    Fate.CANCELLED: "499",
    Fate.FAILED_RESET: "reset",
}


class Refusal(Exception):  # noqa: N818 - an answer of the router, not a fault of the program
    """The router says no.

    Args:
        fate: how it is booked.
        status: the HTTP status.
        code: the code in the JSON body; empty for a plain text.
        text: the message.
        headers: more headers.
        fields: more fields of the body.
    """

    def __init__(
        self,
        fate: Fate,
        status: int,
        code: str,
        text: str,
        *,
        headers: Headers = (),
        fields: dict[str, object] | None = None,
    ) -> None:
        super().__init__(text)
        self.fate = fate
        self.status = status
        self.code = code
        self.headers = headers
        self.fields = fields or {}


@dataclass(slots=True)
class Call:
    """A request to an inference endpoint, as far as it has got."""

    exchange: Exchange
    #: the books that were open when it came; a reset opens new ones
    ledger: Ledger
    #: errors are those of a LiteLLM proxy
    litellm: bool = False
    request_id: str = ""
    trace_id: str = ""
    org: Org | None = None
    model: str = ""
    headers: Headers = ()
    started_unix: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        given = self.exchange.request.headers
        self.request_id = given.get("x-request-id") or f"req-{uuid4().hex}"
        parent = given.get("traceparent", "").split("-")
        self.trace_id = parent[1] if len(parent) == 4 else self.request_id  # noqa: PLR2004 - W3C: four fields
        self.headers = (("X-Request-ID", self.request_id),)

    def refuse(self, refusal: Refusal) -> None:
        """Book the refusal and answer with it."""
        self.book(refusal.fate)
        self.send_error(refusal)

    def send_error(self, refusal: Refusal) -> None:
        """Answer with the refusal; it is booked already."""
        headers = self.headers + refusal.headers
        if not refusal.code:
            body = f"{refusal}\n".encode()
            self.exchange.reply(Reply(refusal.status, body, "text/plain; charset=utf-8", headers))
            return
        if self.litellm:
            status, kind = _LITELLM_ERRORS.get(refusal.code, (refusal.status, "bad_request_error"))
            document = error_document(status, str(refusal), kind)
            self.exchange.reply(Reply(status, orjson.dumps(document), headers=headers))
            return
        document = {"error": str(refusal), "code": refusal.code, "trace_id": self.trace_id, **refusal.fields}
        self.exchange.reply(Reply(refusal.status, orjson.dumps(document), headers=headers))

    def book(self, fate: Fate, *, prompt_tokens: int = 0, completion_tokens: int = 0, usd: float = 0.0) -> None:
        """Write it down."""
        self.ledger.book(
            Entry(
                request_id=self.request_id,
                org_id=self.org.id if self.org else "",
                org=self.org.slug if self.org else "",
                model=self.model,
                fate=fate,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                usd=usd,
                started_at=self.started_unix,
            )
        )


@dataclass(frozen=True, slots=True)
class AdmittedCall:
    """A call that passed every limit and has a backend."""

    call: Call
    state: PlatformState
    org: Org
    ask: Ask
    answer: Answer
    price: Price
    budget: Budget
    backend: Backend
    identifier: str

    @property
    def created(self) -> int:
        """When it was received, in whole seconds of Unix time."""
        return int(self.call.started_unix)

    def settle(self, fate: Fate, completion_tokens: int) -> None:
        """Charge and book how it ended, once.

        The prompt is charged when the request was served, or when a token of its answer was delivered.
        """
        ask, state = self.ask, self.state
        prompt_tokens = ask.prompt_tokens if fate is Fate.SERVED or completion_tokens else 0
        usd = cost_usd(self.price, prompt_tokens, completion_tokens)
        self.budget.settle(cost_usd(self.price, ask.prompt_tokens, 0), usd)
        self.call.book(fate, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, usd=usd)
        if ask.stream:
            self.call.ledger.stream_closed(self.org.id)
        label = _STATUS_LABELS.get(fate, "502")
        seconds = time.monotonic() - self.call.started
        state.counters.observe(self.backend.id, self.org.id, ask.model, label, seconds)
        if fate in (Fate.FAILED_ERROR, Fate.FAILED_RESET, Fate.FAILED_CUT):
            state.counters.errors[self.backend.id, fate.value] += 1

    def fail(self, status: int, text: str) -> None:
        """Answer with an error of the backend's side."""
        self.call.send_error(Refusal(Fate.FAILED_ERROR, status, _ERROR_CODES[status], text))

    def body(self, extra_tokens: int) -> bytes:
        """The answer in one piece; its usage states `extra_tokens` more than were generated."""
        ask, seed = self.ask, self.state.config.seed
        match ask.endpoint:
            case Endpoint.EMBEDDINGS:
                return embeddings_answer(ask, seed=seed, dimensions=self.state.models[ask.model].dimensions)
            case Endpoint.INFERENCE:
                return inference_answer(
                    ask,
                    self.answer,
                    latency_s=time.monotonic() - self.call.started,
                    usd=cost_usd(self.price, ask.prompt_tokens, self.answer.tokens + extra_tokens),
                    extra_tokens=extra_tokens,
                    within_budget=not self.budget.exhausted,
                    trace_id=self.call.trace_id,
                )
            case _:
                return whole_answer(
                    ask, self.answer, identifier=self.identifier, created=self.created, extra_tokens=extra_tokens
                )
