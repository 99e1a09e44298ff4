"""One check and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, how it went, what was found, and what to do about it when it failed."""

    name: str
    verdict: Literal["passed", "failed", "skipped"]
    found: str
    advice: str = ""
