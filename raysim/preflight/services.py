"""Is each service of the platform there, and does it call itself ready? Which pages say so, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from raysim.core.plan.target_plan import TargetPlan
from raysim.preflight.check import Check, printable
from raysim.preflight.page import Page, Request

_REDIRECTS = range(300, 400)
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_WRONG_PLACE = (404, 405)
_WAIT = "wait until the service says it is ready"
_WELL = frozenset({"ok", "ready", "healthy", "up", "connected", "alive", "pass", "running", "true", "not connected"})


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A page that says how a service is. One that is `optional` may be missing, or want a key."""

    name: str
    request: Request
    optional: bool = False


def pages_of(target: TargetPlan) -> tuple[ServicePage, ...]:
    """The pages that a platform of this kind has, and those of services that the scenario names besides."""
    watched = (ServicePage(name, Request(url, "/healthz"), optional=True) for name, url in target.watched)
    return (*_own_pages(target), *watched)


def _own_pages(target: TargetPlan) -> tuple[ServicePage, ...]:
    org, router = target.org_url, target.router_url
    match target.platform:
        case "static":
            return (ServicePage("server", Request(router, "/health"), optional=True),)
        case "litellm":
            return (
                ServicePage("LiteLLM proxy", Request(router, "/health/liveliness")),
                ServicePage("LiteLLM proxy, ready", Request(router, "/health/readiness")),
            )
        case _:
            return (
                ServicePage("user/org service", Request(org, "/healthz")),
                ServicePage("user/org service, ready", Request(org, "/readyz")),
                ServicePage("API router", Request(router, "/v1/status/healthz")),
                ServicePage("API router, ready", Request(router, "/v1/status/readyz")),
            )


def judge_service(service: ServicePage, page: Page) -> Check:
    """What the page says of the service."""
    name, url, status = service.name, page.request.url, page.status
    if not page.reached:
        return Check(name, "failed", page.failure, page.advice)
    found = f"{url} answered {status}"
    if status in _REDIRECTS:
        return Check(name, "failed", f"{found}, a redirect{_location(page)}", "name the address that it leads to")
    if service.optional and _CLIENT_ERROR <= status < _SERVER_ERROR:
        return Check(name, "passed", f"{found}: it is there, and has no such page for everybody")
    unwell = _unwell(page.answer.json())
    if status >= _CLIENT_ERROR:
        said = f"not well: {', '.join(unwell)}" if unwell else printable(page.answer.body.decode("utf-8", "replace"))
        wrong = status in _WRONG_PLACE
        advice = "is this the service's address? It has no such page" if wrong else _WAIT
        return Check(name, "failed", f"{found}: {said}", advice)
    if unwell:
        return Check(name, "passed", f"{found}, but not well: {', '.join(unwell)}", "it may fail under load")
    return Check(name, "passed", found)


def _location(page: Page) -> str:
    """Where a redirect leads, without what may follow the path."""
    parts = urlsplit(printable(page.answer.headers.get("location", ""), 200))
    if not parts.hostname:
        return f" to {parts.path}" if parts.path else ""
    return f" to {parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _unwell(document: object) -> list[str]:
    """The components that are not well, `name: state`; where none is named, the state of the whole."""
    if not isinstance(document, Mapping):
        return []
    components = document.get("components")
    if isinstance(components, Mapping):
        states = {str(name): _state(value) for name, value in components.items()}
        named = [f"{name}: {state}" for name, state in states.items() if state and state.lower() not in _WELL]
        if named:
            return [printable(text, 60) for text in named[:8]]
    state = _state(document)
    return [printable(state, 60)] if state and state.lower() not in _WELL else []


def _state(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("status", "")
    return str(value) if isinstance(value, str | bool) else ""
