from __future__ import annotations

import pytest

from raysim.core.errors import ConfigError
from raysim.core.isolation.events import DeclaredFault
from raysim.simplatform.config import Faults, FaultWindow, PlatformConfig
from raysim.simplatform.embedded import declared_faults, embedded_config
from raysim.simplatform.fault_windows import FaultWindows, faults_at
from raysim.simplatform.state import PlatformState
from tests.component.simplatform.tenant import fast_config

SLOW, UNFAIR = Faults(slow_tokens=3.0), Faults(unfair_org="tenant-3")


def test_without_wishes_it_is_the_ordinary_platform_that_can_delete() -> None:
    assert embedded_config(None) == embedded_config({}) == PlatformConfig(deletes=True)
    assert not embedded_config({"deletes": False}).deletes


def test_wishes_are_those_of_a_configuration_file() -> None:
    config = embedded_config({"limits": {"orgBurst": 5}, "faultWindows": [{"start": "10s", "end": 20, "faults": {}}]})
    assert (config.limits.org_burst, config.fault_windows) == (5, (FaultWindow(start=10, end=20, faults=Faults()),))


def test_problems_are_placed_in_the_scenario() -> None:
    with pytest.raises(ConfigError) as caught:
        embedded_config({"limit": {}, "faults": {"errorRate": 2}})
    assert [problem.path for problem in caught.value.problems] == [
        "spec.targets.simulated.faults.errorRate",
        "spec.targets.simulated.limit",
    ]


def test_problems_are_said_in_a_user_s_words() -> None:
    with pytest.raises(ConfigError) as caught:
        embedded_config({"modles": [], "models": [{"ttft": "quick"}], "backends": []})
    said = {found.path.removeprefix("spec.targets.simulated."): found.message for found in caught.value.problems}
    assert said["models[0].id"] == "is required"
    unknown = "is no known key; docs/simulated-platform.md lists those there are"
    assert (said["modles"], said["models[0].ttft"]) == (unknown, unknown)
    assert said["backends"] == "is empty; give at least one"
    assert "models" not in said


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([{"start": 5, "end": 5, "faults": {}}], "end 5 is not after start 5"),
        ([{"start": 5, "end": 9, "faults": {}}, {"start": 1, "end": 6, "faults": {}}], "ends at 6, one starts at 5"),
    ],
)
def test_windows_have_an_order(windows: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        embedded_config({"faultWindows": windows})


def test_windows_with_their_favourites_are_declared() -> None:
    windows = (FaultWindow(start=10, end=20, faults=SLOW), FaultWindow(start=20, end=30, faults=UNFAIR))
    config = PlatformConfig(faults=UNFAIR, fault_windows=windows)
    assert declared_faults(config) == (DeclaredFault(10, 20), DeclaredFault(20, 30, "tenant-3"))
    assert [faults_at(second, windows, Faults()) for second in (9.9, 10, 19.9, 20, 30)] == [
        Faults(),
        SLOW,
        SLOW,
        UNFAIR,
        Faults(),
    ]


async def test_what_is_past_is_caught_up_with_and_the_rest_waits() -> None:
    windows = (FaultWindow(start=10, end=20, faults=SLOW), FaultWindow(start=500, end=900, faults=UNFAIR))
    state = PlatformState(fast_config(fault_windows=windows))
    switched = FaultWindows(state)
    for elapsed_s, faults in ((-1.5, Faults()), (12.0, SLOW), (30.0, Faults()), (600.0, UNFAIR), (1000.0, Faults())):
        state.reset()
        switched.begin(elapsed_s)
        assert state.dice.faults == faults
        assert state.backends[0].engine.slowdown == faults.slow_tokens
    switched.cancel()
    state.close()
