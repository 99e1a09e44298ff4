"""Whether a failed request is sent again, and when."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from raysim.core.records.outcome import ErrorKind

#: a pause never grows beyond this
LONGEST_PAUSE_S = 30.0
#: a platform that asks for more is not asked again for this request
LONGEST_RETRY_AFTER_S = 60.0
_MOST_DOUBLINGS = 30

#: the platform could not be reached, or said that it cannot serve this now: nothing was generated, nothing billed
_TRANSIENT = frozenset(
    {
        ErrorKind.DNS,
        ErrorKind.TIMEOUT_CONNECT,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.CONNECTION_RESET,
        ErrorKind.RATE_LIMITED,
        ErrorKind.OVERLOADED,
        ErrorKind.HTTP_5XX,
    }
)
_TIMEOUTS = frozenset({ErrorKind.TIMEOUT_FIRST_TOKEN, ErrorKind.TIMEOUT_TOTAL})


class FailedAttempt(msgspec.Struct, frozen=True):
    """An attempt that did not succeed. `retry_after_s` is what the platform asked for; None when it did not."""

    error: ErrorKind
    first_byte_arrived: bool
    first_token_arrived: bool
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent again, and the pauses between.

    The pause before retry n (from 1) is drawn from [0, min(`backoff_s` · 2^(n-1), LONGEST_PAUSE_S)], which is
    exponential backoff with full jitter: users that failed together do not come back together. With
    `honour_retry_after` a `Retry-After` replaces it.
    """

    attempts: int = 0
    backoff_s: float = 1.0
    honour_retry_after: bool = False

    def pause_s(self, failed: FailedAttempt, retries_made: int, chance: float) -> float | None:
        """Seconds until the request is sent again; None when it is not.

        Sent again is what the platform cannot have billed: no connection, no byte of an answer in time, a rate limit,
        an overload, a failure of the server. Never sent again is

        * an answer of which a token has arrived: it was billed, it would be billed a second time, and its time to
          first token would be that of another answer;
        * what asking again cannot change: other 4xx, a key that is not accepted, a spent budget or quota, TLS;
        * an answer that arrived and is wrong (protocol, invalid, expectation failed): that is the finding.

        Args:
            failed: how the latest attempt ended.
            retries_made: how often this request was sent again so far.
            chance: uniform on [0, 1).
        """
        if retries_made >= self.attempts or not _may_be_sent_again(failed):
            return None
        if self.honour_retry_after and failed.retry_after_s is not None:
            return failed.retry_after_s if failed.retry_after_s <= LONGEST_RETRY_AFTER_S else None
        return chance * min(LONGEST_PAUSE_S, self.backoff_s * 2.0 ** min(retries_made, _MOST_DOUBLINGS))


NO_RETRY = RetryPolicy()


def _may_be_sent_again(failed: FailedAttempt) -> bool:
    if failed.first_token_arrived:
        return False
    return failed.error in _TRANSIENT or (failed.error in _TIMEOUTS and not failed.first_byte_arrived)
