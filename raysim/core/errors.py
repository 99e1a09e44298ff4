"""Every error that raysim shows to a person, with the exit code and the advice it carries.

RaysimError (1)
 ├─ ConfigError (2)         the scenario or the command line is wrong; carries every problem found
 ├─ PreflightError (3)      the platform or the cluster is not ready; nothing was created
 ├─ BootstrapError (4)      too few users could be set up; what was created has been removed again
 └─ InterruptedRunError (130)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process's exit status says; documented in `docs/quickstart.md`."""

    OK = 0
    INTERNAL = 1
    BAD_CONFIG = 2
    PREFLIGHT_FAILED = 3
    BOOTSTRAP_FAILED = 4
    STOPPED_BY_LIMIT = 5
    THRESHOLD_FAILED = 6
    GENERATOR_INVALID = 7
    LEFTOVERS = 8
    NO_SUCCESS = 9
    INTERRUPTED = 130


#: when several outcomes apply, the first of these is the exit status
EXIT_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.BOOTSTRAP_FAILED,
    ExitCode.NO_SUCCESS,
    ExitCode.GENERATOR_INVALID,
    ExitCode.STOPPED_BY_LIMIT,
    ExitCode.THRESHOLD_FAILED,
    ExitCode.LEFTOVERS,
)


def worst(codes: set[ExitCode]) -> ExitCode:
    """The exit status of a run to which all of `codes` apply; OK when none does."""
    return next((code for code in EXIT_PRECEDENCE if code in codes), ExitCode.OK)


class RaysimError(Exception):
    """An error to show as one message, without a traceback.

    Args:
        message: what is wrong, where, with the value that was found.
        hint: what the reader can do about it, when there is something.
    """

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scenario (or, as a warning, one thing its author should know).

    `path` is where, in the file's own spelling (`spec.limits.maxCostUsd`); `message` says what was found and
    what would be valid.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(RaysimError):
    """The scenario or the command line is wrong. Holds all problems found, not just the first."""

    exit_code = ExitCode.BAD_CONFIG

    def __init__(self, problems: list[Problem], *, source: str = "") -> None:
        self.problems = problems
        self.source = source
        where = f"{source}: " if source else ""
        super().__init__("\n".join(f"{where}{problem}" for problem in problems))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Problem]], dict[str, str]]:
        return type(self), (self.problems,), {"source": self.source}


class PreflightError(RaysimError):
    """The platform or the cluster is not ready. Nothing has been created."""

    exit_code = ExitCode.PREFLIGHT_FAILED


class BootstrapError(RaysimError):
    """Too few tenants or users could be set up."""

    exit_code = ExitCode.BOOTSTRAP_FAILED


class InterruptedRunError(RaysimError):
    """A person or the cluster asked the run to end before anything was measured."""

    exit_code = ExitCode.INTERRUPTED
