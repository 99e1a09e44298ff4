"""What a backend does when little is asked of it: what its loaded figures are held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from raysim.core.backends.windows import Window

#: a moment is light at which the backend works on at most this share of what it does at its busiest, or on this many
_LIGHT_SHARE = 0.5
_LIGHT_REQUESTS = 1.5
_FEWEST_REQUESTS = 5
#: for a mean gap between tokens; there are so many that a single look has enough
_FEWEST_GAPS = 40


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The best that the light moments of a run have shown; None where none was light enough to tell.

    Args:
        first_token_s: time from leaving the queue to the first token.
        prompt_tokens: length of the prompts for which that holds; None when not known.
        itl_s: gap between tokens.
        itl_from_theory: whether that gap comes from what a stream reaches at best, not from the run.
        running: requests that the backend worked on then.
    """

    first_token_s: float | None = None
    prompt_tokens: float | None = None
    itl_s: float | None = None
    itl_from_theory: bool = False
    running: float | None = None

    def first_token_for(self, prompt_tokens: float | None) -> float | None:
        """The time to first token for prompts of another length: longer ones take longer, shorter ones no less.

        In proportion, although a part of it does not depend on the prompt: rather too long than an alarm for nothing.
        """
        if self.first_token_s is None or not self.prompt_tokens or prompt_tokens is None:
            return self.first_token_s
        return self.first_token_s * max(1.0, prompt_tokens / self.prompt_tokens)


def unloaded(windows: Sequence[Window], best_stream_tps: float | None) -> Unloaded:
    """The baseline of a backend.

    Args:
        windows: its run.
        best_stream_tps: what one stream reaches at best, for a run without a light moment.
    """
    busiest = max((w.running for w in windows if w.running is not None), default=0.0)
    limit = max(_LIGHT_REQUESTS, _LIGHT_SHARE * busiest)
    prompts = [w for w in windows if _at_most(w.running, limit) and w.requests >= _FEWEST_REQUESTS and w.first_token_s]
    quickest = min(prompts, key=lambda w: w.first_token_s or 0.0, default=None)
    smoothest = min(_smooth(windows, limit), default=None)
    theory = 1.0 / best_stream_tps if best_stream_tps and smoothest is None else None
    return Unloaded(
        first_token_s=quickest.first_token_s if quickest else None,
        prompt_tokens=quickest.prompt_tokens if quickest else None,
        itl_s=smoothest[0] if smoothest else theory,
        itl_from_theory=theory is not None,
        running=smoothest[1] if smoothest else quickest.running if quickest else None,
    )


def _at_most(running: float | None, limit: float) -> bool:
    return running is not None and running <= limit


def _smooth(windows: Sequence[Window], limit: float) -> Iterator[tuple[float, float]]:
    """Mean gap between tokens, and requests at work, of each light look."""
    for look in (look for window in windows for look in window.looks):
        gaps, total_s, running = look.itl_count, look.itl_sum_s, look.running
        if gaps and total_s and running is not None and gaps >= _FEWEST_GAPS and running <= limit:
            yield total_s / gaps, running
