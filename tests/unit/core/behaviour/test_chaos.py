from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.chaos import ChaosPlan
from raysim.core.rng import Stream


@given(
    seed=st.integers(0, 2**32),
    base=st.floats(0, 1000, allow_subnormal=False),
    share=st.floats(0, 1),
    rate=st.floats(0, 1),
)
def test_delays_stay_within_base_and_variance(seed: int, base: float, share: float, rate: float) -> None:
    plan = ChaosPlan(rate, base, base * share)
    chances = Stream(seed)
    for _ in range(20):
        fault = plan.draw(chances)
        assert int(base * (1 - share) * 1e6) - 1 <= fault.delay_ns <= base * (1 + share) * 1e6 + 1


def test_failures_come_at_the_rate_asked_for_and_delays_have_the_mean_asked_for() -> None:
    chances = Stream.of(7, "chaos")
    faults = [ChaosPlan(0.2, 100.0, 50.0).draw(chances) for _ in range(20_000)]
    # five standard errors of a share of 0.2 and of a uniform mean
    assert abs(sum(fault.fails for fault in faults) / 20_000 - 0.2) < 5 * (0.16 / 20_000) ** 0.5
    assert abs(sum(fault.delay_ns for fault in faults) / 20_000 / 1e6 - 100.0) < 5 * 50.0 / (3 * 20_000) ** 0.5


def test_none_and_all_may_fail() -> None:
    chances = Stream(1)
    assert not any(ChaosPlan(0.0).draw(chances).fails for _ in range(1000))
    assert all(ChaosPlan(1.0).draw(chances).fails for _ in range(1000))
