"""The lines under a run's tables: can it be believed, what did it cost, who was lost, what was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from raysim.report.goals_text import goodput_text
from raysim.report.numbers import count, digits, elapsed, seconds, share, size, usd
from raysim.report.reloads import reload_lines

_VERDICT_STYLES = {"ok": "green", "suspect": "yellow"}
_MOST_NAMED = 5
_RIGHT_BILLS = ("agrees", "explained")
_RIGHT_CUTS = ("at_budget", "no_budget")


def closing_lines(summary: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    """Name and text of each line."""
    yield "stop reason:", _stop_reason(summary)
    yield "load generator:", _load_generator(summary["load_generator"])
    yield from _bottlenecks(summary)
    yield "cost:", _cost(summary["cost"])
    if summary["goodput"] is not None:
        yield "goodput:", Text(goodput_text(summary["goodput"]))
    yield from _waits(summary["requests"], summary["held"])
    for place, line in enumerate(reload_lines(summary["reloads"])):
        yield "" if place else "reloaded:", line
    if summary["schedule"]["largest_lasting_users"] is not None:
        yield "schedule:", Text(_schedule(summary["schedule"]))
    yield "users:", _users(summary)
    if summary["questions"]["asked"]:
        yield "questions:", _questions(summary["questions"])
        if summary["prompts"]["target"]["count"] or summary["prompts"]["cached_tokens"]:
            yield "prompts:", _prompts(summary["prompts"])
        yield "think time:", _think_time(summary["think_time"])
    yield from _tenants(summary)
    if summary["metrics"] is not None and (summary["metrics"]["dropped"] or summary["metrics"]["trouble"]):
        yield "metrics:", _exports(summary["metrics"])
    yield "clean-up:", _cleanup(summary["cleanup"])
    for name, key in (("export:", "export"), ("logs:", "log_export")):
        # runs of before there were exports have no such key
        if summary.get(key):
            yield name, _export(summary[key])
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


def _bottlenecks(summary: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    findings = summary["findings"]
    if not findings:
        yield "bottlenecks:", Text(summary["diagnosis"]["sentence"])
    for place, finding in enumerate(findings[:_MOST_NAMED]):
        style = "yellow" if finding["severity"] == "minor" else "bold red"
        word, comma, rest = finding["sentence"].partition(")")
        yield "" if place else "bottlenecks:", Text.assemble((word + comma, style), rest)
    if len(findings) > _MOST_NAMED:
        yield "", Text(f"and {len(findings) - _MOST_NAMED} more in summary.json")


def _cost(cost: dict[str, Any]) -> Text:
    if cost["limit_usd"] is None:
        return Text(f"{usd(cost['usd'])}, no limit")
    text = Text(f"{usd(cost['usd'])} of {usd(cost['limit_usd'])}")
    if cost["limit_usd"]:
        text.append(f" ({share(cost['usd'] / cost['limit_usd'])})")
    if cost["unverified_usd"]:
        text.append(f", and up to {usd(cost['unverified_usd'])} for requests whose bill is not known")
    if cost["reserved_unsettled_usd"]:
        text.append(f", and up to {usd(cost['reserved_unsettled_usd'])} that lost actors had set aside")
    if cost["overspend_usd"]:
        text.append(f", overspent by {usd(cost['overspend_usd'])}", "red")
    if cost["billed_beyond_reservation_usd"]:
        beyond = usd(cost["billed_beyond_reservation_usd"])
        text.append(f"\nthe platform billed {beyond} more than its requests allow", "red")
    if cost["short_from_s"] is not None:
        text.append(f"\nmoney was short from {elapsed(cost['short_from_s'])} on: requests may have had to wait for it")
    return text


def _waits(requests: dict[str, Any], held: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    if held["count"]:
        yield "held back:", _held(requests, held)
    if requests["unsent"] or requests["arrivals_due"] is not None:
        yield "due:", _due(requests)


def _held(requests: dict[str, Any], held: dict[str, Any]) -> Text:
    some = f"{count(held['count'])} of {count(requests['headline'])} requests"
    return Text(
        f"{some} waited for money, a slot or a free place (median {seconds(held['p50'])}, p99 {seconds(held['p99'])})"
    )


def _due(requests: dict[str, Any]) -> Text:
    """Of an open loop in all phases, or of users that waited when the run ended."""
    unsent = requests["unsent"]
    if requests["arrivals_due"] is None:
        return Text(f"{count(unsent)} requests were due and not sent", "yellow")
    text = Text(f"{count(requests['arrivals_due'])} requests were due by the clock in all phases")
    return text.append(f"; {count(unsent)} were not sent", "yellow") if unsent else text


def _schedule(schedule: dict[str, Any]) -> str:
    mean, most = digits(schedule["mean_users"]), count(schedule["largest_lasting_users"])
    return f"active users {mean} from the target on average; at most {most} outside of the targets of the last 2 s"


def _users(summary: dict[str, Any]) -> Text:
    users, bootstrap = summary["users"], summary["bootstrap"]
    text = Text(f"{count(users['bootstrapped'])} of {count(users['planned'])} set up")
    if bootstrap["success_rate"] not in (None, 0.0, 1.0):
        text.append(f", {share(bootstrap['success_rate'])}")
    if bootstrap["mean_s"] is not None:
        figures = ", ".join(f"{name} {seconds(bootstrap[f'{name}_s'])}" for name in ("mean", "p50", "p95", "max"))
        text.append(f" ({figures})")
    losses = users["lost_users"]
    if users["lost"] is None:
        return text.append(", losses not known")
    if not losses:
        return text.append(", none lost")
    if users["lost"]:
        text.append(f", {count(users['lost'])} lost", "red")
    if users["replaced"]:
        text.append(f", {count(users['replaced'])} lost and replaced", "yellow")
    for user in losses[:_MOST_NAMED]:
        back = "" if user["back_s"] is None else f", back at {elapsed(user['back_s'])}"
        text.append(f"\n{user['user_id']} at {elapsed(user['at_s'])}{back}: {user['why']}")
    if losses[_MOST_NAMED:]:
        text.append(f"\nand {len(losses) - _MOST_NAMED} more in summary.json")
    unrecorded = summary["losses"]
    if unrecorded["sentence"]:
        text.append(f"\n{unrecorded['sentence']}", "yellow" if unrecorded["requests_unrecorded"]["max"] != 0 else "")
    return text


def _questions(questions: dict[str, Any]) -> Text:
    if questions["repeated_on_purpose"]:
        different = f"{count(questions['unique'])} different ones, repeated on purpose (cache: repeat)"
        return Text(f"{count(questions['asked'])} asked, {different}")
    return Text(f"{count(questions['asked'])} asked, {share(questions['uniqueness'])} of them unique")


def _prompts(prompts: dict[str, Any]) -> Text:
    parts = []
    if prompts["target"]["count"]:
        parts.append(
            f"mean {digits(prompts['counted']['mean'])} tokens, aimed at {digits(prompts['target']['mean'])}; "
            f"{share(prompts['met_share'])} met their target"
        )
        if prompts["longer"]:
            parts.append(f"{count(prompts['longer'])} more were longer by themselves, as conversations become")
    if prompts["cached_tokens"]:
        parts.append(f"{share(prompts['cached_share'])} of their tokens came from a cache")
    return Text("; ".join(parts))


def _think_time(think: dict[str, Any]) -> Text:
    if think["actual"]["mean_s"] is None:
        return Text(think["statement"])
    actual, configured = seconds(think["actual"]["mean_s"]), seconds(think["configured"]["mean_s"])
    text = Text(f"mean {actual}, configured {configured}, timers {digits(think['lateness_ms']['p99'])} ms late (p99)\n")
    return text.append(think["statement"], "red" if think["within_10_percent"] is False else "")


def _tenants(summary: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    """Whether the tenants were kept apart, cut where they were to be, and charged what they had used."""
    isolation, billing = summary["isolation"], summary["billing"]
    if isolation is not None:
        yield "isolation:", _judged(isolation["sentence"], isolation["verdict"] == "isolated", isolation["verdict"])
        told = [e["sentence"] for e in isolation["events"] if e["sentence"] != isolation["sentence"]]
        for sentence in told[:_MOST_NAMED]:
            yield "", Text(sentence)
        if len(told) > _MOST_NAMED:
            yield "", Text(f"and {len(told) - _MOST_NAMED} more events in summary.json")
    cuts = [tenant["quota"] for tenant in summary["tenants"] if tenant["quota"] is not None]
    lines = [(cut["sentence"], cut["verdict"] in _RIGHT_CUTS) for cut in cuts if _worth(cut)]
    waits = [cut["retry_after"] for cut in cuts if cut["retry_after"] is not None]
    lines += [(wait["sentence"], not wait["broken"]) for wait in waits]
    for sentence, right in lines[:_MOST_NAMED]:
        yield "quota:", Text(sentence, "" if right else "yellow")
    if len(lines) > _MOST_NAMED:
        yield "", Text(f"and {len(lines) - _MOST_NAMED} more in summary.json")
    if billing["source"] is not None:
        yield "billing:", _judged(billing["sentence"], billing["verdict"] in _RIGHT_BILLS, billing["verdict"])


def _exports(metrics: dict[str, Any]) -> Text:
    text = Text(f"{count(metrics['pushed'])} pushes arrived, {count(metrics['dropped'])} were dropped", "yellow")
    return text.append(f"\nat the end: {metrics['trouble']}", "default") if metrics["trouble"] else text


def _worth(cut: dict[str, Any]) -> bool:
    """Whether there is more to say of a tenant's budget than that it was not reached."""
    return bool(cut["sentence"]) and cut["verdict"] != "not_reached"


def _judged(sentence: str, good: bool, verdict: str) -> Text:  # noqa: FBT001 - what the colour says
    word, colon, rest = sentence.partition(":")
    return Text.assemble((word, "green" if good else "yellow" if verdict == "cannot_say" else "bold red"), colon, rest)


def _cleanup(cleanup: dict[str, Any]) -> Text:
    text = Text(f"{cleanup['status']} in {elapsed(cleanup['duration_s'])}: ")
    kinds = ("revoked", "deleted", "suspended", "retained")
    done = [f"{count(cleanup[kind])} {kind}" for kind in kinds if cleanup[kind]]
    text.append(", ".join(done) or "nothing to do")
    remaining = cleanup["remaining"]
    text.append(f", {count(remaining)} remaining", "bold red" if remaining else "")
    if cleanup["command"]:
        text.append(f"\nto remove {'the rest' if remaining else 'them'}: {cleanup['command']}")
    return text


def _export(export: dict[str, Any]) -> Text:
    complete = export["status"] == "complete"
    text = Text.assemble((export["status"], "" if complete else "bold red"), ": ")
    if export["objects"] or complete:
        text.append(f"{count(export['objects'])} files ({size(export['bytes'])}) at {export['url']}")
    else:
        text.append(f"nothing is at {export['url']}")
    if not complete:
        text.append(f"; {count(export['pending'])} files are only here: {export['reason']}\n")
        text.append(f"to finish it: {export['command']}")
    return text
