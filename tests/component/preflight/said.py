"""What a platform said, for tests; and a platform that says what it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from raysim.core.config.reading import examine
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.outcome import ErrorKind
from raysim.preflight.page import Page, Request
from raysim.wire.json_call import JsonAnswer
from tests.unit.core.config.documents import document

ROUTER = "http://router.test"
ORGS = "http://orgs.test"
NOW_S = 1_784_000_000.0


def said(
    status: int, body: object = b"", *, request: Request | None = None, took_s: float = 0.2, **headers: str
) -> Page:
    """An answer; `body` is bytes, or what becomes JSON."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = JsonAnswer(status, data, named, ErrorKind.NONE, "")
    return Page(request or Request(ROUTER, "/page"), answer, NOW_S, NOW_S + took_s)


def silent(error: ErrorKind, request: Request | None = None) -> Page:
    """No answer."""
    return Page(request or Request(ROUTER, "/page"), JsonAnswer(0, b"", {}, error, "details"), NOW_S, NOW_S + 1.0)


class FakePlatform:
    """A `Caller` that answers by path: a status, (status, body), or an ErrorKind; 404 elsewhere.

    Keeps what was asked.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Page:
        self.asked.append(request)
        answer = self._answers.get(request.path, 404)
        if isinstance(answer, ErrorKind):
            return silent(answer, request)
        status, body = answer if isinstance(answer, tuple) else (answer, b"")
        return said(status, body, request=request)


def plan_of(**spec: Any) -> RunPlan:
    """The plan of a scenario with these sections."""
    findings = examine(document(**spec))
    assert findings.scenario is not None, findings.errors
    return build_plan(findings.scenario, "run-1", started="x")
