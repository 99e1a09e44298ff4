"""One check and its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from raysim.core.errors import PreflightError

Verdict = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, how it went, what was found (or why it was skipped), and what to do about it.

    One that passed and has advice nevertheless is a warning: the run can begin, and somebody should know.
    """

    name: str
    verdict: Verdict
    found: str
    advice: str = ""

    @property
    def warns(self) -> bool:
        """Passed, with something to know."""
        return self.verdict == "passed" and bool(self.advice)

    @property
    def told(self) -> bool:
        """Whether a run that begins mentions it: a warning, or something that was left out and need not have been."""
        return self.verdict != "failed" and bool(self.advice)

    def __str__(self) -> str:
        advice = f" → {self.advice}" if self.advice else ""
        return f"{self.name}: {self.found}{advice}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many checks met which verdict; `warnings` are among those that passed."""

    passed: int
    warnings: int
    failed: int
    skipped: int

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Tally:
        """The tally of `checks`."""
        counted = list(checks)
        verdicts = [check.verdict for check in counted]
        warnings = sum(check.warns for check in counted)
        return cls(verdicts.count("passed"), warnings, verdicts.count("failed"), verdicts.count("skipped"))

    def __str__(self) -> str:
        warned = f" ({self.warnings} with a warning)" if self.warnings else ""
        failed = f"{self.failed} failed, " if self.failed else ""
        return f"{failed}{self.passed} passed{warned}, {self.skipped} skipped"


def insist(checks: Sequence[Check]) -> None:
    """Nothing when none failed. Raises PreflightError with a line for each that did."""
    failed = [check for check in checks if check.verdict == "failed"]
    if failed:
        raise PreflightError("\n".join(map(str, failed)))


def printable(text: str, longest: int = 120) -> str:
    """What a platform said, on one line, without what would steer a terminal, cut to `longest` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
