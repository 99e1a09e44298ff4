"""Which backends a router has whose metrics nobody reads: a hint, never a reason not to run."""

from __future__ import annotations

from typing import Any

from raysim.core.plan.target_plan import TargetPlan
from raysim.preflight.check import Check, printable
from raysim.preflight.page import Page, Request

_PATH = "/v1/admin/routing/backends"
_MOST_NAMED = 3
_HTTP_OK = 200


def backends_request(target: TargetPlan) -> Request:
    """Asks the router for its backends. It takes users' keys at most; no credential is sent."""
    return Request(target.router_url, _PATH)


def judge_backends(listing: Page) -> list[Check]:
    """A skipped check that says which metrics pages could be read; nothing from a router that lists no backends."""
    rows = _rows(listing)
    if not rows:
        return []
    pages = [
        f"{printable(row['backend_id'], 60)} at {printable(row['uri'], 100)}/metrics" for row in rows[:_MOST_NAMED]
    ]
    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    found = f"none is named under targets.backends; the router lists {', '.join(pages)}{more}"
    return [Check("backends' metrics", "skipped", found)]


def _rows(listing: Page) -> list[dict[str, Any]]:
    answer = listing.answer.json() if listing.status == _HTTP_OK else None
    rows = answer.get("backends") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return []
    return [
        {"backend_id": row["backend_id"], "uri": row["uri"].rstrip("/")}
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("backend_id"), str) and isinstance(row.get("uri"), str)
    ]
