"""What a page is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True)
class RunPieces:
    """What a run left, as far as its page shows it.

    Args:
        summary: `summary.json`, or what stands for it of a run that has none.
        requests: rows of the requests files.
        events: lines of `events.jsonl`.
        scenario_text: `scenario.yaml`.
        load: target and active users over time; None where the run kept none.
        backends: readings of backends' metrics pages; None where there are none.
    """

    summary: Mapping[str, Any]
    requests: pl.LazyFrame
    events: Sequence[Mapping[str, Any]] = ()
    scenario_text: str = ""
    load: pl.DataFrame | None = None
    backends: pl.LazyFrame | None = None
