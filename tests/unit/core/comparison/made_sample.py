"""Made-up runs: as many requests as wanted, spread over time and users, of which what matters can be set."""

from __future__ import annotations

import numpy as np

from raysim.core.comparison.sample import Gaps, RunSample


def made_sample(
    seed: int, count: int = 800, *, users: int = 12, slower: float = 1.0, failing: float = 0.02, flagged: float = 0.0
) -> RunSample:
    """TTFT is lognormal with a median of 0.1 s times `slower`; ten gaps of about 10 ms each; 100 s."""
    random = np.random.Generator(np.random.PCG64(seed))
    failed = random.random(count) < failing
    gone = np.where(failed, np.nan, 1.0)
    ttft = 0.1 * slower * np.exp(0.3 * random.standard_normal(count)) * gone
    gaps = 0.01 * np.exp(0.2 * random.standard_normal((count, 10)))
    decode = gaps.sum(axis=1)
    answered = np.flatnonzero(~failed)
    tokens = np.where(failed, 0.0, 11.0)
    return RunSample(
        over_s=100.0,
        at_s=np.sort(random.random(count)) * 100.0,
        user=random.integers(0, users, count),
        users=tuple(f"user-{number}" for number in range(users)),
        values={"ttft": ttft, "latency": ttft + decode, "tpot": decode / 10 * gone, "tps": 11 / (ttft + decode)},
        success=~failed,
        failed=failed,
        tokens=tokens + 20,
        completion_tokens=tokens,
        cost_usd=tokens * 1e-6 + 1e-5,
        flagged=random.random(count) < flagged,
        gaps=Gaps(gaps[answered].ravel(), np.ones(answered.size * 10), np.repeat(answered, 10)),
    )
