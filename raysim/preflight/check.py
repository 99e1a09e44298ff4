"""One check and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from raysim.core.errors import PreflightError


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, how it went, what was found, and what to do about it when it failed."""

    name: str
    verdict: Literal["passed", "failed", "skipped"]
    found: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f" → {self.advice}" if self.advice else ""
        return f"{self.name}: {self.found}{advice}"


def insist(checks: list[Check]) -> None:
    """Nothing when none failed. Raises PreflightError with a line for each that did."""
    failed = [check for check in checks if check.verdict == "failed"]
    if failed:
        raise PreflightError("\n".join(map(str, failed)))
