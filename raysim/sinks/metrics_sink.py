"""The port behind which snapshots of a run's metrics go somewhere."""

from __future__ import annotations

from typing import Protocol

from raysim.core.metrics.snapshot import MetricsSnapshot


class SinkError(Exception):
    """A snapshot did not arrive; the message says why, in one line."""


class MetricsSink(Protocol):
    """Somewhere that snapshots go, one after another. Called on a thread of its own: it may block for a while."""

    name: str

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Hand over `snapshot`, within a few seconds.

        Raises:
            SinkError: it did not arrive.
        """

    def finish(self) -> None:
        """Nothing comes any more: bring what was sent into its last form. May take a while.

        Raises:
            SinkError: that did not succeed.
        """

    def remove(self) -> None:
        """Take back what was sent, as far as that can be done.

        Raises:
            SinkError: it is still there.
        """


class KeptSnapshots:
    """A sink that keeps what it gets; refuses while `trouble` says why."""

    name = "kept"

    def __init__(self) -> None:
        self.sent: list[MetricsSnapshot] = []
        self.removed = 0
        self.trouble = ""

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Keep it."""
        if self.trouble:
            raise SinkError(self.trouble)
        self.sent.append(snapshot)

    def finish(self) -> None:
        """Nothing more to do."""

    def remove(self) -> None:
        """Count the call."""
        self.removed += 1
