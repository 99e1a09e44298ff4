"""What a backend does when little is asked of it: what its loaded figures are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raysim.core.backends.windows import Window

#: a window is light whose backend works on at most this share of what it does at its busiest, or on this many requests
_LIGHT_SHARE = 0.5
_LIGHT_REQUESTS = 1.5
_FEWEST_REQUESTS = 5
_FEWEST_GAPS = 50


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The best that the light windows of a run have shown; None where no window was light enough to tell.

    Args:
        first_token_s: time from leaving the queue to the first token.
        prompt_tokens: length of the prompts for which that holds; None when not known.
        itl_s: gap between tokens.
        itl_from_theory: whether that gap comes from what a stream reaches at best, not from the run.
        running: requests that the backend worked on in that window.
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
        best_stream_tps: what one stream reaches at best, for a run without a light window.
    """
    busiest = max((w.running for w in windows if w.running is not None), default=0.0)
    light = [w for w in windows if w.running is not None and w.running <= max(_LIGHT_REQUESTS, _LIGHT_SHARE * busiest)]
    prompts = [w for w in light if w.requests >= _FEWEST_REQUESTS and w.first_token_s]
    streams = [w for w in light if w.gaps >= _FEWEST_GAPS and w.itl_s]
    quickest = min(prompts, key=lambda w: w.first_token_s or 0.0, default=None)
    smoothest = min(streams, key=lambda w: w.itl_s or 0.0, default=None)
    theory = 1.0 / best_stream_tps if best_stream_tps and smoothest is None else None
    return Unloaded(
        first_token_s=quickest.first_token_s if quickest else None,
        prompt_tokens=quickest.prompt_tokens if quickest else None,
        itl_s=smoothest.itl_s if smoothest else theory,
        itl_from_theory=theory is not None,
        running=smoothest.running if smoothest else quickest.running if quickest else None,
    )
