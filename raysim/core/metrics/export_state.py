"""How the export of a run's metrics is going."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportState:
    """Snapshots that arrived and that did not, over all sinks; and why the last one did not, if so."""

    sent: int = 0
    dropped: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """What a metrics actor amounts to at the end: rows that it has stored, and how its exports went."""

    rows: int
    exports: ExportState
