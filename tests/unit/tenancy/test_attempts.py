from __future__ import annotations

import asyncio

import pytest

from raysim.tenancy.attempts import Attempts, pause_s
from raysim.tenancy.port import TenancyError


@pytest.mark.parametrize(
    ("failures", "chance", "retry_after_s", "expected"),
    [
        (1, 1.0, None, 0.25),
        (2, 1.0, None, 0.5),
        (2, 0.5, None, 0.25),
        (3, 0.0, None, 0.0),
        (9, 1.0, None, 5.0),
        (10_000, 1.0, None, 5.0),
        (1, 0.0, 2.0, 2.0),
        (1, 0.0, 600.0, 5.0),
    ],
)
def test_pauses_grow_are_jittered_and_heed_retry_after(
    failures: int, chance: float, retry_after_s: float | None, expected: float
) -> None:
    assert pause_s(failures, chance, retry_after_s) == expected


class Failing:
    """Fails so many times, then succeeds."""

    def __init__(self, times: int, *, transient: bool = True, in_doubt: bool = False) -> None:
        self.times = times
        self.transient = transient
        self.in_doubt = in_doubt
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise TenancyError("it failed", transient=self.transient, in_doubt=self.in_doubt)
        return "done"


def at_once(deadline_s: float = float("inf"), most: int | None = None) -> Attempts:
    return Attempts(deadline_s, most=most, chance=lambda: 0.0)


async def test_a_failure_that_passes_is_tried_again_and_doubt_is_remembered() -> None:
    attempts, call = at_once(), Failing(3, in_doubt=True)
    assert await attempts.at(call) == "done"
    assert (call.calls, attempts.in_doubt) == (4, True)
    sure = at_once()
    assert await sure.at(Failing(1)) == "done"
    assert not sure.in_doubt


async def test_a_failure_for_good_is_not_tried_again() -> None:
    call = Failing(9, transient=False)
    with pytest.raises(TenancyError, match=r"^it failed$"):
        await at_once().at(call)
    assert call.calls == 1


async def test_attempts_and_time_end() -> None:
    call = Failing(9)
    with pytest.raises(TenancyError, match=r"it failed \(tried 4 times\)"):
        await at_once(most=4).at(call)
    assert call.calls == 4
    late = Failing(0)
    with pytest.raises(TenancyError, match="no time was left"):
        await at_once(asyncio.get_running_loop().time() - 1).at(late)
    assert late.calls == 0


async def test_a_call_that_never_answers_ends_with_the_time_and_in_doubt() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    attempts = at_once(asyncio.get_running_loop().time() + 0.01)
    with pytest.raises(TenancyError, match="no time was left"):
        await attempts.at(never)
    assert attempts.in_doubt
