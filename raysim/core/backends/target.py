"""A backend whose metrics page is read, in the form that travels to the actor that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BackendKind = Literal["vllm", "sglang", "tgi", "llamacpp", "litellm", "router", "dcgm"]


@dataclass(frozen=True, slots=True)
class BackendTarget:
    """One metrics page.

    Args:
        id: name of the backend, as the router's headers give it; of a `dcgm` page that of the backend on its GPUs.
        metrics_url: address of the page.
        kind: whose metric names it uses.
        model: only series of this model are read; empty for all.
        gpu_type: label for the report.
        theoretical_tps: completion tokens per second that the whole backend could generate; None when not known.
        capacity: sequences that it runs at the same time at most; None when not known.
        token_env: environment variable with a bearer token for the page; empty for none.
    """

    id: str
    metrics_url: str
    kind: BackendKind
    model: str = ""
    gpu_type: str = ""
    theoretical_tps: float | None = None
    capacity: int | None = None
    token_env: str = ""
