"""Made-up runs: three tenants whose requests follow each other alike, and what happens to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysim.core.isolation.course import Course, Flags

TENANTS = ("org-1", "org-2", "org-3")
LENGTH_S = 180.0


def alike(generator: np.random.Generator, count: int, phi: float) -> NDArray[np.float64]:
    """An AR(1) process with unit variance: neighbours correlate by `phi`."""
    noise = generator.normal(0.0, np.sqrt(1 - phi * phi), count)
    values = np.empty(count)
    state = generator.normal()
    for place in range(count):
        state = phi * state + noise[place]
        values[place] = state
    return values


def course(seed: int = 1, *, per_s: float = 9.0, phi: float = 0.5, sigma: float = 0.2, **changes: Any) -> Course:
    """Requests of three tenants at random moments, of two models, one of which is twice as slow; all succeed."""
    generator = np.random.default_rng(seed)
    count = int(per_s * LENGTH_S)
    at_s = np.sort(generator.uniform(0.0, LENGTH_S, count))
    stratum = generator.integers(0, 2, count)
    tokens = generator.integers(60, 190, count).astype(np.float64)
    ttft_s = 0.2 * (1 + stratum) * np.exp(sigma * alike(generator, count, phi))
    latency_s = ttft_s + tokens * 0.015 * np.exp(0.05 * alike(generator, count, phi))
    no = np.zeros(count, dtype=np.bool_)
    fields: dict[str, Any] = {
        "tenants": TENANTS,
        "users": (20, 20, 20),
        "at_s": at_s,
        "tenant": generator.integers(0, 3, count),
        "stratum": stratum,
        "ttft_s": ttft_s,
        "latency_s": latency_s,
        "prompt_tokens": np.full(count, 30.0),
        "completion_tokens": tokens,
        "success": ~no,
        "failed": no,
        "refused": no,
        "spent": no,
        "limited": no,
        "excluded": no,
    }
    return Course(**(fields | changes))


def slowed(base: Course, part: Flags, factor: float) -> Course:
    """The same, but the requests in `part` take `factor` times as long."""
    by = np.where(part, factor, 1.0)
    return changed(base, ttft_s=base.ttft_s * by, latency_s=base.latency_s * by)


def failing(base: Course, part: Flags) -> Course:
    """The same, but the requests in `part` fail."""
    nan = np.where(part, np.nan, 1.0)
    return changed(
        base, success=base.success & ~part, failed=part, ttft_s=base.ttft_s * nan, latency_s=base.latency_s * nan
    )


def out_of_budget(base: Course, tenant: int, start_s: float, last_s: float) -> Course:
    """The same, but from `start_s` on the tenant is refused, and from `last_s` on it is gone."""
    mine = base.tenant == tenant
    kept = ~(mine & (base.at_s >= last_s))
    fields = {
        name: getattr(base, name)[kept] for name in Course.__dataclass_fields__ if name not in ("tenants", "users")
    }
    base = Course(base.tenants, base.users, **fields)
    part = (base.tenant == tenant) & (base.at_s >= start_s)
    nan = np.where(part, np.nan, 1.0)
    return changed(
        base,
        success=base.success & ~part,
        refused=base.refused | part,
        spent=base.spent | part,
        ttft_s=base.ttft_s * nan,
        latency_s=base.latency_s * nan,
    )


def changed(base: Course, **changes: Any) -> Course:
    return Course(**({name: getattr(base, name) for name in Course.__dataclass_fields__} | changes))
