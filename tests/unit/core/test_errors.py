from __future__ import annotations

import pickle
from itertools import combinations

import pytest

from raysim.core.errors import (
    BootstrapError,
    ConfigError,
    ExitCode,
    InterruptedRunError,
    PreflightError,
    Problem,
    RaysimError,
    worst,
)

#: as documented: the first that applies is the process's exit status
DOCUMENTED_ORDER = [130, 1, 4, 9, 7, 5, 6, 8]


def test_of_two_outcomes_the_documented_one_wins() -> None:
    for first, second in combinations(DOCUMENTED_ORDER, 2):
        assert worst({ExitCode(second), ExitCode(first)}) == first
    assert worst({ExitCode(code) for code in DOCUMENTED_ORDER}) == 130


@pytest.mark.parametrize("code", DOCUMENTED_ORDER)
def test_a_single_outcome_is_the_exit_status(code: int) -> None:
    assert worst({ExitCode(code)}) == code
    assert worst({ExitCode.OK, ExitCode(code)}) == code


def test_nothing_wrong_is_exit_status_0() -> None:
    assert worst(set()) == 0
    assert worst({ExitCode.OK}) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RaysimError("broken"), 1),
        (ConfigError([Problem("spec.users", "is wrong")]), 2),
        (PreflightError("not ready"), 3),
        (BootstrapError("too few"), 4),
        (InterruptedRunError("stopped"), 130),
    ],
)
def test_every_error_has_its_exit_status_and_survives_the_way_between_processes(error: RaysimError, code: int) -> None:
    assert error.exit_code == code
    error = type(error)("what is wrong", hint="what to do") if not isinstance(error, ConfigError) else error
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert (arrived.message, arrived.hint) == (error.message, error.hint)


def test_a_hint_follows_the_message() -> None:
    assert str(RaysimError("cannot connect to router:8080", hint="is it running?")) == (
        "cannot connect to router:8080 (is it running?)"
    )
    assert str(RaysimError("cannot connect")) == "cannot connect"


def test_a_config_error_tells_every_problem_and_where() -> None:
    problems = [Problem("spec.limits.maxCostUsd", "found -1; expected at least 0"), Problem("", "is not YAML")]
    error = ConfigError(problems, source="run.yaml")
    assert str(error).splitlines() == [
        "run.yaml: spec.limits.maxCostUsd: found -1; expected at least 0",
        "run.yaml: is not YAML",
    ]
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert arrived.problems == problems
    assert arrived.source == "run.yaml"
