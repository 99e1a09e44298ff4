"""What a running platform knows: accounts, limits, books, faults and backends. Held once, reset as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysim.simplatform.accounts import Accounts
from raysim.simplatform.admission import Admission
from raysim.simplatform.backend import Backend
from raysim.simplatform.exposition import RouterCounters
from raysim.simplatform.faults import FaultDice
from raysim.simplatform.ledger import Ledger

if TYPE_CHECKING:
    from raysim.simplatform.config import Faults, PlatformConfig


class PlatformState:
    """Made on the event loop that serves the platform."""

    def __init__(self, config: PlatformConfig) -> None:
        self.config = config
        self.models = {model.id: model for model in config.models}
        self.prices = {model.id: model.price for model in config.models}
        self.backends = tuple(Backend(backend) for backend in config.backends)
        self.counters = RouterCounters()
        self.reset()

    def reset(self) -> None:
        """Forget accounts, books and limits, and go back to the configured faults.

        Requests under way end as they would; nothing of them is in the new books. Counters of `/metrics` stay.
        """
        config = self.config
        self.accounts = Accounts(revocation_delay_s=config.revocation_delay)
        self.admission = Admission(config.limits)
        self.ledger = Ledger(self.prices, keep=config.ledger_entries)
        self.dice = FaultDice(config.faults, config.seed)
        self.set_faults(config.faults)

    def set_faults(self, faults: Faults) -> None:
        """Put `faults` in force, from the next request and decode step on."""
        self.dice.faults = faults
        for backend in self.backends:
            backend.engine.slowdown = faults.slow_tokens

    def close(self) -> None:
        """Stop every backend."""
        for backend in self.backends:
            backend.close()
