"""`spec.limits`: where a run is stopped."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysim.core.config.base import Count, Duration, Flag, NonNegative, Part, Positive, PositiveDuration, Ratio


class LimitsSpec(Part):
    """Where a run is stopped. `null` removes a limit that has a default."""

    max_cost_usd: NonNegative | None = Field(
        10.0,
        description="most the run may spend, in USD; 10 by default, so that a forgotten limit costs little: "
        "raise it knowingly; null for no limit",
    )
    unknown_cost: Literal["reserved", "counted"] = Field(
        "reserved",
        description="what a request counts as whose bill the platform did not tell (broken off, timed out, no usage): "
        "reserved, the most it could cost, so that the limit holds whatever is billed; counted, the tokens that "
        "arrived, for platforms that are known to bill no more",
    )
    max_error_rate: Ratio | None = Field(
        0.10, description="share of failed requests (0 to 1) within errorWindow that stops the run; null for no limit"
    )
    max_duration: PositiveDuration | None = Field(
        3600.0, description="longest run, in seconds once read; an hour, so that none runs unattended; null for none"
    )
    max_requests_per_user: Count | None = Field(None, description="requests after which a user stops; none by default")
    max_requests_per_second: Positive | None = Field(
        None, description="rate of the whole run, in 1/s, that is never exceeded; none by default"
    )
    error_window: PositiveDuration = Field(
        30.0, description="window of maxErrorRate, in seconds once read; long enough to outlast a hiccup"
    )
    min_requests: Count = Field(
        50, description="requests in the window below which maxErrorRate is not judged; few say little"
    )
    count_refusals: Flag = Field(
        default=False,
        description="whether refusals (rate limit, budget, quota) count as errors; off: a correct platform refuses",
    )
    lease: PositiveDuration = Field(
        15.0, description="how long users go on without hearing from the coordinator, in seconds once read"
    )
    drain: Duration = Field(
        30.0, description="how long requests in flight may finish after a stop, in seconds once read"
    )
