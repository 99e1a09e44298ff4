"""How far the figures can be believed: the load generator's own state, and what a reader must know of the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from raysim.core.aggregation.verdict import GeneratorVerdict, judge_generator
from raysim.core.control.checkpoint import Restart
from raysim.report.facts import Outage, RunFacts
from raysim.report.measured import Measured


def load_generator(headline: Measured, facts: RunFacts) -> dict[str, Any]:
    """The verdict, and the worst actor's figures (percentiles of several actors are not averaged).

    `cpu` is the share of one core, 0 to 1 and above for several threads; `memory_mib` is that of all actors.
    """
    rows, packs = headline.rows, facts.packs
    judged = generator_verdict(headline, facts)
    late = rows["send_lag_s"].drop_nulls().to_numpy()
    return {
        "verdict": str(judged.verdict),
        "reasons": list(judged.reasons),
        "flagged_share": judged.flagged_share,
        "loop_lag_p99_ms": max((pack.loop_lag_p99_ms for pack in packs), default=None),
        "send_lag_p99_ms": float(np.quantile(late, 0.99)) * 1e3 if late.size else None,
        "cpu": max((pack.cpu_ratio for pack in packs), default=None),
        "memory_mib": sum(pack.rss_mib for pack in packs) if packs else None,
        "actors": len(packs),
    }


def generator_verdict(headline: Measured, facts: RunFacts) -> GeneratorVerdict:
    """Whether the load generator measured the platform, or itself."""
    return judge_generator(headline.rows.height, int(headline.rows["lag_flagged"].sum()), facts.packs)


def notes(measured: Measured, facts: RunFacts) -> list[str]:
    """Sentences on what the figures do not show by themselves."""
    headline = measured.headline().rows
    found = [
        _no_headline(measured.rows, headline),
        _not_streamed(headline),
        _bursts(headline),
        _counted(measured.rows),
        _repeated(facts),
    ]
    found.append(_replaced(facts))
    found += [_outage(outage, facts.records_lost_estimate) for outage in facts.outages]
    found += [_restart(restart) for restart in facts.coordinator_restarts]
    if facts.records_lost_estimate:
        found.append(
            f"about {facts.records_lost_estimate} requests were made whose records never arrived: "
            "requests, tokens and cost are that much too low"
        )
    return [note for note in found if note]


def _replaced(facts: RunFacts) -> str:
    ended = [loss for loss in facts.lost if loss.back_run_s is not None]
    if not ended:
        return ""
    back = [loss.back_run_s for loss in ended if loss.back_run_s is not None]
    heard = [loss.at_run_s if loss.heard_run_s is None else loss.heard_run_s for loss in ended]
    return (
        f"users lost and set up again: {len(back)}, between {min(heard):.1f} and {max(back):.1f} s of the run; "
        "what they had in flight, and about a second of their records, are missing"
    )


def _outage(outage: Outage, missing: int) -> str:
    rest = f"{missing} records are missing" if missing else "none is missing"
    return (
        f"a metrics actor died and was away from {outage.from_s:.1f} to {outage.until_s:.1f} s of the run; "
        f"records that it had not stored were sent again: {rest}"
    )


def _restart(restart: Restart) -> str:
    return (
        f"the coordinator died and was started again at {restart.run_s:.1f} s of the run, "
        f"after {restart.away_s:.1f} s at most: users went on as they had been told, "
        "and came or went late where that was due meanwhile"
    )


def _no_headline(rows: pl.DataFrame, headline: pl.DataFrame) -> str:
    if rows.height and not headline.height:
        return "every request was due in an excluded phase: the headline figures are empty"
    return ""


def _not_streamed(headline: pl.DataFrame) -> str:
    successes = headline.filter(pl.col("outcome") == "success")
    if successes.height and successes["ttft_s"].drop_nulls().is_empty():
        return "no answer was streamed: TTFT, ITL and TPOT are absent, not guessed"
    return ""


def _bursts(headline: pl.DataFrame) -> str:
    """A stream whose tokens all arrive in one read was no stream to its user."""
    streams = headline.filter((pl.col("outcome") == "success") & pl.col("streamed") & (pl.col("completion_tokens") > 1))
    at_once = streams.filter(pl.col("token_reads") == 1)
    if at_once.is_empty():
        return ""
    models = at_once["model"].value_counts().sort(["count", "model"], descending=[True, False])
    named = ", ".join(f"{model} {count}" for model, count in models.iter_rows())
    share = at_once.height / streams.height
    return (
        f"{at_once.height} of {streams.height} streams ({share:.1%}) brought all their tokens in one read ({named}): "
        "the platform, or a proxy before it, held them back, so their TTFT is nearly their latency and their ITL means "
        "nothing"
    )


def _repeated(facts: RunFacts) -> str:
    prompts = facts.plan.behaviour.prompts
    if prompts.cache != "repeat":
        return ""
    return (
        f"questions were repeated on purpose (cache: repeat, {prompts.repeat_questions} of them and as many "
        "follow-ups): a cache may have shortened TTFT and latency"
    )


def _counted(rows: pl.DataFrame) -> str:
    counted = rows.filter(pl.col("token_source") == "chunks").height
    if counted:
        return f"{counted} answers came without usage: their tokens are counts of chunks, and their cost follows these"
    return ""
