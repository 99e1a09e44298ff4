"""Does the platform know the scenario's models, and do we know their prices?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.template import placeholders
from raysim.core.plan.run_plan import RunPlan
from raysim.core.pricing import Price
from raysim.preflight.check import Check, printable
from raysim.preflight.page import Page

MODELS_PATH = "/v1/models"
_SUCCESS = range(200, 300)
_NOT_FOR_US = (401, 403)
_NO_LIST = (404, 405, 501)
_PROBED = ("chat", "completions", "embeddings")


def models_asked(plan: RunPlan) -> dict[str, EndpointPlan | None]:
    """Every model that users of the run may ask for, with the endpoint to try it by; None where only custom ones do."""
    preferred = list(dict.fromkeys(user.model for user in plan.users))
    asked: dict[str, EndpointPlan | None] = {}
    for endpoint in plan.behaviour.endpoints:
        if not endpoint.asks or not endpoint.weight:
            continue
        for model in _named_by(endpoint, preferred):
            asked[model] = asked.get(model) or (endpoint if endpoint.kind in _PROBED else None)
    return asked


def _named_by(endpoint: EndpointPlan, preferred: list[str]) -> list[str]:
    template = endpoint.template
    if template is None or (endpoint.kind != "custom" and "model" not in template):
        return preferred if endpoint.kind != "custom" else []
    own = template.get("model")
    if isinstance(own, str) and not placeholders(own):
        return [own]
    return preferred if "model" in placeholders(template) else []


def listed_models(document: object) -> list[str] | None:
    """The ids in a list of models (`{"data": [{"id": …}]}`, or the bare list); None when it is no such list."""
    rows = document.get("data") if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        return None
    ids = [row.get("id") for row in rows if isinstance(row, Mapping)]
    return [name for name in ids if isinstance(name, str)]


def judge_models(asked: Collection[str], page: Page, answered: Collection[str], *, final: bool) -> Check:
    """Whether the platform lists the models.

    Args:
        asked: the scenario's models.
        page: the answer to `GET /v1/models`.
        answered: models that answered the tiny request, which says more than a list.
        final: whether a model that is not listed cannot be asked for. Some servers answer to any name.
    """
    name, url, status = "models", page.request.url, page.status
    listed = listed_models(page.answer.json()) if status in _SUCCESS else None
    if listed is None or not asked:
        return Check(name, "skipped", _no_list(page) if asked else "the scenario asks for no model")
    missing = [model for model in asked if not _is_listed(model, listed)]
    if not missing:
        return Check(name, "passed", f"{_listing(asked)} known to the platform")
    found = f"{url} does not list {_listing(missing)}; it lists {_listing(listed) or 'none'}"
    if not final or set(missing) <= set(answered):
        heard = "it answers to the name nevertheless" if set(missing) <= set(answered) else "some servers take any name"
        return Check(name, "passed", found, heard)
    close = get_close_matches(missing[0], listed, 1)
    meant = f"did you mean {printable(close[0], 80)}? " if close else ""
    return Check(name, "failed", found, f"{meant}correct userBehavior.modelPreferences, or add it to the platform")


def _no_list(page: Page) -> str:
    """Why there is no list of models; not everybody has one."""
    if not page.reached:
        return f"nothing to ask: {page.failure}"
    if page.status in _NOT_FOR_US:
        said = "the list is for those who have a key"
    else:
        said = "the platform does not list its models" if page.status in _NO_LIST else "that is no list of models"
    return f"{page.request.url} answered {page.status}: {said}"


def _is_listed(model: str, listed: Iterable[str]) -> bool:
    """LiteLLM lists families of models as patterns, such as `openai/*`."""
    return any(model == entry or ("*" in entry and fnmatchcase(model, entry)) for entry in listed)


def _listing(models: Collection[str], most: int = 5) -> str:
    shown = ", ".join(printable(model, 80) for model in list(models)[:most])
    return f"{shown} and {len(models) - most} more" if len(models) > most else shown


def judge_prices(asked: Collection[str], prices: Mapping[str, Price]) -> Check:
    """Whether every model has a price, so that cost and the cost limit mean something."""
    if not asked:
        return Check("prices", "skipped", "the scenario asks for no model")
    unknown = [model for model in asked if model not in prices]
    if unknown:
        advice = "give it under spec.models: without it the cost is not known and no cost limit holds"
        return Check("prices", "passed", f"no price is known of {_listing(unknown)}, which counts as free", advice)
    free = [model for model in asked if not prices[model].input_usd_per_million + prices[model].output_usd_per_million]
    dear = [model for model in asked if model not in free]
    each = "; ".join(f"{printable(model, 60)} {_per_million(prices[model])}" for model in dear[:4])
    parts = [f"for a million tokens: {each}" if each else "", f"{_listing(free)} free" if free else ""]
    more = f" and {len(dear) - 4} more" if len(dear) > 4 else ""  # noqa: PLR2004 - four are shown
    return Check("prices", "passed", "; ".join(filter(None, parts)) + more)


def _per_million(price: Price) -> str:
    return f"${price.input_usd_per_million:g} in, ${price.output_usd_per_million:g} out"
