"""How an export went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ExportStatus = Literal["complete", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """What of a run's files is in its store.

    Args:
        status: `complete`: all; `partial`: some; `failed`: none.
        url: where.
        objects: files that the manifest in the store lists, beside `summary.json` and `events.jsonl`, which say so.
        bytes: their size together.
        pending: files that are only in the local directory.
        reason: why some are; "" when none is.
        command: what finishes it; "" when there is nothing to finish.
    """

    status: ExportStatus
    url: str
    objects: int
    bytes: int
    pending: int = 0
    reason: str = ""
    command: str = ""
