"""`losses` of the summary: what lost users may have sent that no record tells, between which bounds, and for how long.

Nobody has to ask the platform for that: a lost process had told, about once a second, how many requests it had sent,
and what it can have sent since then is bounded by how fast its users can ask and by the lease that ends it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from raysim.core.aggregation.billing import Unrecorded
from raysim.core.control.last_words import LostProcess
from raysim.core.plan.load import LoadSchedule
from raysim.report.facts import LostUser, RunFacts
from raysim.report.numbers import count

_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests at least and at most; `most` is None when nothing bounds them."""

    least: int
    most: int | None

    def __add__(self, other: Bounds) -> Bounds:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Bounds(self.least + other.least, most)


def losses(found: Collection[tuple[LostProcess, Bounds]], facts: RunFacts) -> dict[str, Any]:
    """What is known of the requests that were sent by lost processes and have no record.

    Args:
        found: the lost processes, see `unrecorded`.
        facts: the run.
    """
    total = sum((bounds for _, bounds in found), Bounds(0, 0))
    names = {user.index: user.name for user in facts.plan.users}
    workers = {pack.index: pack.name for pack in facts.plan.packs}
    users = sorted({user for process, _ in found for user in process.users})
    return {
        "requests_unrecorded": {"min": total.least, "max": total.most},
        "users": [names[user] for user in users],
        "seconds_affected": _affected_s(facts.lost, facts.load_s),
        "sentence": _sentence(total, len(users)) if found else None,
        "processes": [
            {
                "worker": workers[process.word.pack],
                "life": process.word.life,
                "users": len(process.users),
                "noticed_s": process.at_run_s,
                "heard_s": process.word.at_run_s,
                "silent_from_s": process.silent_at_s(facts.plan.limits.lease_s),
                "sequence": process.word.sequence,
                "sent": process.word.sent,
                "min": bounds.least,
                "max": bounds.most,
            }
            for process, bounds in found
        ],
    }


def unrecorded(requests: pl.LazyFrame, facts: RunFacts) -> list[tuple[LostProcess, Bounds]]:
    """Each lost process, with the bounds of what it sent and no record tells.

    What is stored of it is subtracted from what it had sent when it last reported (the least), and from that with all
    that it may have sent until it must have been silent (the most).
    """
    if not facts.lost_processes:
        return []
    workers = {pack.index: pack.name for pack in facts.plan.packs}
    names = {workers[process.word.pack] for process in facts.lost_processes}
    stored, shortest_s = _stored(requests, names)
    found = []
    for process in facts.lost_processes:
        sure, at_most = stored.get((workers[process.word.pack], process.word.life), (0, 0))
        until_s = process.silent_at_s(facts.plan.limits.lease_s)
        closed = _closed_loop(facts.plan.schedule, process.word.at_run_s or 0.0, until_s)
        cycle_s = process.thought_s + (shortest_s or 0.0)
        most = process.word.most_sent(until_s, cycle_s, closed_loop=closed or bool(facts.reloads))
        least = max(0, process.word.sent - at_most)
        found.append((process, Bounds(least, None if math.isinf(most) else max(least, int(most) - sure))))
    return found


def most_charged(
    found: Iterable[tuple[LostProcess, Bounds]], rows: pl.DataFrame, facts: RunFacts
) -> dict[str, Unrecorded]:
    """For each tenant of lost users, the most that the platform can have charged it for what no record tells.

    A single request amounts to no more than the largest one that is recorded, in each figure apart, or its reservation.
    """
    names = {user.index: user.org_name for user in facts.plan.users}
    requests: dict[str, int | None] = {}
    for process, bounds in found:
        for tenant in {names[user] for user in process.users}:
            before = requests.get(tenant, 0)
            requests[tenant] = None if before is None or bounds.most is None else before + bounds.most
    each = rows.select(
        pl.max_horizontal(pl.col("cost_usd").max(), pl.col("reserved_usd").max()).fill_null(0.0).alias("usd"),
        pl.col("prompt_tokens").max().fill_null(0),
        pl.max_horizontal(pl.col("completion_tokens").max(), pl.col("max_tokens").max())
        .fill_null(0)
        .alias("completion"),
    )
    usd, prompt, completion = each.row(0)
    return {tenant: Unrecorded(most, usd, prompt, completion) for tenant, most in requests.items()}


def _stored(
    requests: pl.LazyFrame, workers: Collection[str]
) -> tuple[Mapping[tuple[str, int], tuple[int, int]], float | None]:
    """By worker and life, the rows that were certainly sent, and those that may have been; the run's shortest request.

    A row whose last attempt was not sent may stem from an earlier one that was.
    """
    sent = pl.col("sent_ns").is_not_null()
    life = pl.col("request_id").str.extract(r"-(\d+)\.\d+$").cast(pl.Int64)
    counted = (
        requests.filter(pl.col("worker").is_in(list(workers)))
        .group_by("worker", life.alias("life"))
        .agg(sent.sum().alias("sure"), (sent | (pl.col("attempts") > 1)).sum().alias("at_most"))
        .collect()
    )
    shortest = requests.filter(sent).select((pl.col("end_ns") - pl.col("sent_ns")).min()).collect().item()
    found = {(worker, life): (sure, at_most) for worker, life, sure, at_most in counted.iter_rows()}
    return found, None if shortest is None else max(0.0, shortest * _NS)


def _closed_loop(schedule: LoadSchedule, from_s: float, until_s: float) -> bool:
    """Whether users asked by themselves at some moment between; the last phase goes on until they are told to stop."""
    phases = [phase for phase in schedule.phases if phase.start_s < until_s and phase.end_s > from_s]
    return any(phase.arrivals is None for phase in phases or schedule.phases[-1:])


def _affected_s(lost: Iterable[LostUser], end_s: float) -> float:
    """Seconds in which at least one user was away: from its last word to its return, or to the end of the load."""
    spans = sorted(
        (
            max(0.0, user.at_run_s if user.heard_run_s is None else user.heard_run_s),
            end_s if user.back_run_s is None else user.back_run_s,
        )
        for user in lost
    )
    total = reached = 0.0
    for from_s, to_s in spans:
        total += max(0.0, min(to_s, end_s) - max(from_s, reached))
        reached = max(reached, min(to_s, end_s))
    return total


def _sentence(total: Bounds, users: int) -> str:
    who = f"{count(users)} lost user{'s' if users != 1 else ''}"
    if total.most is None:
        return f"at least {count(total.least)} requests of {who} were not recorded; how many at most is not known"
    if total.most == 0:
        return f"every request of {who} was recorded"
    if total.least == total.most:
        return f"{count(total.least)} requests of {who} were not recorded"
    return f"between {count(total.least)} and {count(total.most)} requests of {who} were not recorded"
