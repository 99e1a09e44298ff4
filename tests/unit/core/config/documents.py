"""Scenario documents for tests."""

from __future__ import annotations

from typing import Any

from raysim.core.config.reading import examine
from raysim.core.errors import Problem


def document(**spec: Any) -> dict[str, Any]:
    """A valid document with these sections under `spec`."""
    return {"apiVersion": "loadtest.ai-aas.dev/v1", "kind": "LoadTestScenario", "spec": spec}


def errors_of(**spec: Any) -> dict[str, str]:
    """The errors of such a document: path → message."""
    return _by_path(examine(document(**spec)).errors)


def warnings_of(**spec: Any) -> dict[str, str]:
    """The warnings of such a document, which must have no errors: path → message."""
    findings = examine(document(**spec))
    assert findings.errors == ()
    return _by_path(findings.warnings)


def _by_path(problems: tuple[Problem, ...]) -> dict[str, str]:
    assert len({p.path for p in problems}) == len(problems), problems
    return {p.path: p.message for p in problems}
