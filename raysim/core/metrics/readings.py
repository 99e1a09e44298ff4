"""What only others know of a run: the coordinator, and whoever scrapes the backends. Frozen, and sent once a second."""

from __future__ import annotations

from typing import Protocol

import msgspec


class UserReading(msgspec.Struct, frozen=True):
    """A user that was set up.

    `user` is its index in the plan; `pod` the host name of the node it lives on; `bootstrap_s` how long its set-up
    took; `gone` why it left for good, if it did.
    """

    user: int
    pod: str
    bootstrap_s: float
    gone: str = ""


class PodReading(msgspec.Struct, frozen=True):
    """The user actors of one node: how many are in which state, and how their processes are doing."""

    pod: str
    running: int
    drained: int
    lost: int
    active: int
    memory_bytes: float
    cpu_ratio: float
    loop_lag_s: float


class BackendSays(Protocol):
    """What a backend, or one of its GPUs, says of itself at its last scrape. None is "not known", never 0.

    `gpu` is empty for the backend as a whole; shares are 0 to 1, `queue_seconds` the mean time in its queue.
    """

    @property
    def backend(self) -> str:
        """Its id."""

    @property
    def gpu(self) -> str:
        """Which of its GPUs."""

    @property
    def up(self) -> bool:
        """Whether it could be asked."""

    @property
    def in_flight(self) -> float | None:
        """Requests that it works on or has waiting."""

    @property
    def queue_seconds(self) -> float | None:
        """How long requests waited."""

    @property
    def saturation_ratio(self) -> float | None:
        """How full it is."""

    @property
    def kv_cache_ratio(self) -> float | None:
        """How full its KV cache is."""

    @property
    def gpu_utilization_ratio(self) -> float | None:
        """How busy the GPU is."""

    @property
    def gpu_memory_ratio(self) -> float | None:
        """How full the GPU's memory is."""


class RunReadings(msgspec.Struct, frozen=True):
    """How a run is going, as its coordinator sees it.

    `run_s` is seconds since the run's second 0, None before it has begun; `error_rate` that of the error window, None
    before there are requests; `spent_usd` what counts against `limits.maxCostUsd`; `stop_reason` is empty while the run
    goes on; `coordinator_pod` the host name of the coordinator's node.
    """

    run_s: float | None = None
    active: int = 0
    target: int = 0
    phase: str = ""
    error_rate: float | None = None
    spent_usd: float = 0.0
    stop_reason: str = ""
    orgs_created: int = 0
    coordinator_pod: str = ""
    users: tuple[UserReading, ...] = ()
    pods: tuple[PodReading, ...] = ()
