"""What the load generator's own side needs, before anybody is asked anything."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from raysim.core.plan.target_plan import TargetPlan
from raysim.preflight.check import Check
from raysim.wire.tokenizer import TokenizerError, open_tokenizer


def check_client_side(target: TargetPlan) -> Iterator[Check]:
    """Whether requests go where they are meant to, and tokens can be counted; nothing where there is nothing to see."""
    yield from _check_proxies({"API router": target.router_url, "user/org service": target.org_url})
    if target.tokenizer:
        yield _check_tokenizer(target.tokenizer)


def _check_proxies(addresses: dict[str, str]) -> Iterator[Check]:
    """A proxy of the environment would stand between the stamps and the platform; raysim speaks to the platform itself.

    So a proxy that other programs would use for an address is refused: what is measured would not be what they see.
    """
    proxies = getproxies()
    for name, address in addresses.items():
        parts = urlsplit(address)
        variable = next((v for v in (parts.scheme, "all") if v in proxies), None)
        host = parts.hostname or ""
        if variable is None or not host or proxy_bypass(parts.netloc.rpartition("@")[2]):
            continue
        yield Check(
            "proxies",
            "failed",
            f"{variable}_proxy is set, and applies to the {name} at {host}; raysim connects directly and never through "
            "a proxy, whose delays would be taken for the platform's",
            f"add {host} to no_proxy, or unset {variable}_proxy, if the platform can be reached directly",
        )


def _check_tokenizer(path: str) -> Check:
    try:
        open_tokenizer(path)
    except TokenizerError as error:
        return Check("tokenizer", "failed", error.message, error.hint or "correct spec.targets.tokenizer")
    return Check("tokenizer", "passed", f"{path} can be read here; every node needs it, too")
