"""The lines under a run's tables: can it be believed, what did it cost, who was lost, what was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from raysim.report.numbers import count, digits, elapsed, seconds, share, usd

_VERDICT_STYLES = {"ok": "green", "suspect": "yellow"}
_MOST_NAMED = 5


def closing_lines(summary: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    """Name and text of each line."""
    yield "stop reason:", _stop_reason(summary)
    yield "load generator:", _load_generator(summary["load_generator"])
    yield "cost:", _cost(summary["cost"])
    yield "users:", _users(summary)
    if summary["questions"]["asked"]:
        yield "questions:", _questions(summary)
    yield "clean-up:", _cleanup(summary["cleanup"])
    for note in summary["notes"]:
        yield "note:", Text(note, "yellow")


def _stop_reason(summary: dict[str, Any]) -> Text:
    text = Text(summary["stop_reason"] or summary["status"])
    if summary["stop_message"]:
        text.append(f" ({summary['stop_message']})")
    return text


def _load_generator(generator: dict[str, Any]) -> Text:
    text = Text(generator["verdict"], _VERDICT_STYLES.get(generator["verdict"], "bold red"))
    figures = []
    if generator["loop_lag_p99_ms"] is not None:
        figures.append(f"loop lag p99 {digits(generator['loop_lag_p99_ms'])} ms")
    if generator["send_lag_p99_ms"] is not None:
        figures.append(f"send lag p99 {digits(generator['send_lag_p99_ms'])} ms")
    if generator["flagged_share"] is not None:
        figures.append(f"{share(generator['flagged_share'])} flagged")
    if generator["cpu"] is not None:
        figures.append(f"busiest actor at {share(generator['cpu'])} of a core")
    if figures:
        text.append(f" ({', '.join(figures)})", "default")
    for reason in generator["reasons"]:
        text.append(f"\n{reason}", "default")
    return text


def _cost(cost: dict[str, Any]) -> Text:
    if cost["limit_usd"] is None:
        return Text(f"{usd(cost['usd'])}, no limit")
    text = Text(f"{usd(cost['usd'])} of {usd(cost['limit_usd'])}")
    if cost["limit_usd"]:
        text.append(f" ({share(cost['usd'] / cost['limit_usd'])})")
    if cost["overspend_usd"]:
        text.append(f", overspent by {usd(cost['overspend_usd'])}", "red")
    return text


def _users(summary: dict[str, Any]) -> Text:
    users, bootstrap = summary["users"], summary["bootstrap"]
    text = Text(f"{count(users['bootstrapped'])} of {count(users['planned'])} set up")
    if bootstrap["mean_s"] is not None:
        text.append(f" (mean {seconds(bootstrap['mean_s'])}, p95 {seconds(bootstrap['p95_s'])})")
    if not users["lost"]:
        return text.append(", none lost")
    text.append(f", {count(users['lost'])} lost", "red")
    for user in users["lost_users"][:_MOST_NAMED]:
        text.append(f"\n{user['user_id']} at {elapsed(user['at_s'])}: {user['why']}")
    if users["lost"] > _MOST_NAMED:
        text.append(f"\nand {users['lost'] - _MOST_NAMED} more in summary.json")
    return text


def _questions(summary: dict[str, Any]) -> Text:
    questions, think = summary["questions"], summary["think_time"]
    text = Text(f"{count(questions['asked'])} asked, {share(questions['uniqueness'])} of them unique")
    if think["actual"]["mean_s"] is not None:
        actual, configured = seconds(think["actual"]["mean_s"]), seconds(think["configured"]["mean_s"])
        text.append(f"; mean think time {actual}, configured {configured}")
    return text


def _cleanup(cleanup: dict[str, Any]) -> Text:
    text = Text(f"{cleanup['status']} in {elapsed(cleanup['duration_s'])}: ")
    kinds = ("revoked", "deleted", "suspended", "retained")
    done = [f"{count(cleanup[kind])} {kind}" for kind in kinds if cleanup[kind]]
    text.append(", ".join(done) or "nothing to do")
    remaining = cleanup["remaining"]
    text.append(f", {count(remaining)} remaining", "bold red" if remaining else "")
    return text
