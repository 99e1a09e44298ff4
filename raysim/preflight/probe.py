"""One tiny request for each model: does it answer at all? Costs a few tokens; how much is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from raysim.core.behaviour.endpoint import LIMIT_FIELDS, EndpointPlan
from raysim.core.behaviour.template import fill_path
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.pricing import Price, cost_usd
from raysim.core.secret import Secret
from raysim.preflight.check import Check, printable
from raysim.preflight.page import REQUEST_ID, Page, Request
from raysim.wire.openai_request import Ask, request_body

#: most tokens of an answer; some models refuse a smaller limit
PROBE_TOKENS = 16
#: a model that is loaded answers in this time; longer is worth a look before a thousand users find out
PROBE_TIMEOUT_S = 7.0
_QUESTION = "Say hello."
_SUCCESS = range(200, 300)
_NO_KEY = (401, 403)
_SERVER_ERROR = 500


def probe_request(target: TargetPlan, endpoint: EndpointPlan, model: str, key: Secret) -> Request:
    """The request for `model`, as the endpoint's users send it but for a short answer that is not streamed."""
    template = None if endpoint.template is None else _short(endpoint.template)
    ask = Ask(_QUESTION, (("user", _QUESTION),), model, PROBE_TOKENS, None)
    values: Mapping[str, str | int] = {
        "question": _QUESTION,
        "model": model,
        "max_tokens": PROBE_TOKENS,
        "request_id": REQUEST_ID,
        "org_id": "",
        "user_id": "",
    }
    body = request_body(replace(endpoint, template=template), ask, values, stream=False)
    path = fill_path(endpoint.path, values)
    return Request(target.router_url, path, "POST", msgspec.json.decode(body.data), key, PROBE_TIMEOUT_S)


def _short(template: Mapping[str, object]) -> dict[str, object]:
    """The endpoint's own fields, without streaming and with a small limit on the answer."""
    kept = {name: value for name, value in template.items() if name not in ("stream", "stream_options")}
    return kept | {name: PROBE_TOKENS for name in LIMIT_FIELDS if isinstance(kept.get(name), int)}


def judge_probe(model: str, page: Page, price: Price | None) -> Check:
    """What the answer says of the model."""
    name = f"request to {printable(model, 60)}"
    if not page.reached:
        return Check(name, "failed", page.failure, page.advice)
    took = f"answered {page.status} in {page.after_s - page.before_s:.2f} s"
    if page.status in _SUCCESS:
        document = page.answer.json()
        if page.answer.headers.get("content-type", "").startswith("text/event-stream"):
            return Check(name, "passed", f"{took}, with a stream although none was asked for")
        if not isinstance(document, dict):
            advice = "is this an OpenAI-compatible server?"
            return Check(name, "failed", f"{page.request.url} {took}, but not with JSON", advice)
        return Check(name, "passed", f"{took}{_cost(document, price)}")
    if page.status in _NO_KEY:
        # what is said here may quote the key
        return Check(name, "failed", f"{page.request.url} {took}: the key is not taken", "correct spec.targets.apiKeys")
    said = printable(_veiled(page))
    advice = (
        "wait until the model is served" if page.status >= _SERVER_ERROR else "what it says is what users will hear"
    )
    return Check(name, "failed", f"{page.request.url} {took}: {said}", f"{advice}; --no-probe leaves this request out")


def _veiled(page: Page) -> str:
    text = page.answer.body[:2000].decode("utf-8", "replace")
    key = page.request.secret.reveal()
    return text.replace(key, "***") if key else text


def _cost(document: dict[str, Any], price: Price | None) -> str:
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return ", without saying how many tokens"
    counts = [
        value if isinstance(value := usage.get(f"{side}_tokens"), int) else 0 for side in ("prompt", "completion")
    ]
    cost = "" if price is None else f", ${cost_usd(price, *counts):.6f}"
    return f", {counts[0]} + {counts[1]} tokens{cost}"
