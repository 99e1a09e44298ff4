"""A hundred users into a limit of cost, in virtual time. `python -m benchmarks.money` tries more of it."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.money import Market, MoneySimulation


@pytest.mark.parametrize(("limit_usd", "seeds"), [(0.05, 100), (0.50, 100), (5.00, 12)])
def test_the_limit_is_used_and_never_overspent(limit_usd: float, seeds: int) -> None:
    for seed in range(seeds):
        outcome = MoneySimulation(Market(limit_usd), seed).run()
        assert outcome.stopped
        assert outcome.overspend == 0.0
        assert outcome.most_committed <= limit_usd
        assert outcome.utilisation >= 0.95
        # every bill is known, and nothing is left on lease
        assert outcome.billed == pytest.approx(outcome.settled)


@pytest.mark.parametrize(
    "trouble",
    [
        {"interrupted": 0.2},
        {"lost": 0.2},
        {"restart_s": 2.0},
        {"crash_s": 2.0},
        {"users_per_pack": 1},
        {"interrupted": 0.2, "lost": 0.2, "restart_s": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("limit_usd", [0.05, 0.50])
def test_also_when_things_go_wrong(limit_usd: float, trouble: dict[str, Any]) -> None:
    for seed in range(8 if limit_usd < 0.1 else 3):
        outcome = MoneySimulation(Market(limit_usd, **trouble), seed).run()
        assert outcome.stopped
        assert outcome.overspend == 0.0
        # what a restarted treasury believes may be more than there is: it has not heard yet what came back
        assert outcome.most_committed <= limit_usd or "restart_s" in trouble
        assert outcome.utilisation >= 0.95


def test_a_platform_that_bills_beyond_what_a_request_allows_is_not_trusted_twice() -> None:
    careful = MoneySimulation(Market(5.0, overbilled=0.2), 1).run()
    # what was under way when it first happened may be over, nothing later
    assert careful.overspend == 0.0
    assert careful.utilisation >= 0.95


def test_a_limit_below_the_cheapest_request_spends_nothing() -> None:
    outcome = MoneySimulation(Market(0.0005), 1).run()
    assert outcome.stopped
    assert (outcome.requests, outcome.billed) == (0, 0.0)
