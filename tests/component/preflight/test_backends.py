from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raysim.core.backends.target import BackendTarget
from tests.component.preflight.test_platform import WELL, checked, planned

LISTING = "/v1/admin/routing/backends"


def listed(count: int) -> dict[str, Any]:
    return {"backends": [{"backend_id": f"b-{n}", "uri": f"http://b-{n}:8000/"} for n in range(count)]}


async def test_backends_that_nobody_reads_are_a_hint() -> None:
    checks, _ = await checked(planned("aiaas"), {**WELL, LISTING: (200, listed(5))})
    check = checks["backends' metrics"]
    assert (check.verdict, check.advice) == ("skipped", "")
    assert check.found == (
        "none is named under targets.backends; the router lists b-0 at http://b-0:8000/metrics, "
        "b-1 at http://b-1:8000/metrics, b-2 at http://b-2:8000/metrics and 2 more"
    )


@pytest.mark.parametrize(
    "answer", [404, (200, []), (200, {"backends": "many"}), (200, {"backends": [{"uri": 3}, 7]}), (200, listed(0))]
)
async def test_a_router_that_lists_none_is_no_news(answer: Any) -> None:
    checks, _ = await checked(planned("aiaas"), {**WELL, LISTING: answer})
    assert "backends' metrics" not in checks


async def test_who_has_named_some_is_not_asked() -> None:
    plan = replace(planned("aiaas"), backends=(BackendTarget("a", "http://a/metrics", "vllm"),))
    checks, fake = await checked(plan, {**WELL, LISTING: (200, listed(1))})
    assert "backends' metrics" not in checks
    assert LISTING not in [request.path for request in fake.asked]
