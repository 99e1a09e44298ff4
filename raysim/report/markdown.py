"""A run as Markdown, for the summary of a CI job: verdicts first, then the figures that people ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from raysim.report.goals_text import goodput_text
from raysim.report.numbers import UNKNOWN, count, digits, elapsed, seconds, share, usd
from raysim.report.outcome_cases import Case, cases

_MARKS = {"passed": "✅", "failed": "❌", "noted": "⚠️"}
_STATISTICS = ("mean", "p50", "p90", "p95", "p99", "max")
_TIMES = {"ttft": "TTFT", "itl": "ITL", "tpot": "TPOT", "latency": "latency"}
_MOST_ROWS = 20


def markdown_text(summary: Mapping[str, Any]) -> str:
    """The whole page, in GitHub's dialect."""
    found = list(cases(summary))
    parts = [_head(summary, found), _verdicts(found), _figures(summary), *_groups(summary), _errors(summary)]
    parts += [f"> {_plain(note)}" for note in summary["notes"]]
    parts.append(" · ".join(f"[{_plain(link['title'])}]({link['url']})" for link in summary["links"]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(summary: Mapping[str, Any], found: Sequence[Case]) -> str:
    failed = [case for case in found if case.outcome == "failed"]
    mark = _MARKS["failed" if failed else "passed"]
    facts = (
        f"{count(summary['requests']['total'])} requests in {elapsed(summary['duration_s'])}",
        f"{share(summary['error_rate'])} errors" if summary["error_rate"] is not None else "no answers",
        f"{count(summary['tokens']['completion'])} tokens out",
        usd(summary["cost"]["usd"]),
    )
    text = f"## {mark} {_plain(summary['scenario'])}: {summary['status']}\n\n`{summary['run_id']}`: {' · '.join(facts)}"
    return text if summary["goodput"] is None else f"{text}\n\nGoodput: {goodput_text(summary['goodput'])}."


def _verdicts(found: Iterable[Case]) -> str:
    ordered = sorted(found, key=lambda case: case.outcome != "failed")
    return _table(("", "what", "found"), ((_MARKS[case.outcome], case.name, case.text) for case in ordered))


def _figures(summary: Mapping[str, Any]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, title in _TIMES.items():
            yield title, *(seconds(summary[name][statistic]) for statistic in _STATISTICS)
        yield "tokens/s of one answer", *(digits(summary["tps"][statistic]) for statistic in _STATISTICS)

    throughput = summary["throughput"]
    rates = f"{digits(throughput['requests_per_s'])} requests/s, {digits(throughput['output_tokens_per_s'])} tokens/s."
    return _table(("", *_STATISTICS), rows(), right=True) + f"\n\n{rates}"


def _groups(summary: Mapping[str, Any]) -> Iterator[str]:
    for key, name, title in (
        ("tenants", "org_id", "tenant"),
        ("models", "model", "model"),
        ("phases", "name", "phase"),
    ):
        entries = summary[key]
        if len(entries) < 2:  # noqa: PLR2004 - one alone is the run
            continue
        rows = (
            (
                entry[name],
                count(entry["requests"]["total"]),
                share(entry["error_rate"]),
                seconds(entry["ttft"]["p50"]),
                seconds(entry["ttft"]["p95"]),
                digits(entry["tps"]["mean"]),
                usd(entry["cost"]["usd"]),
            )
            for entry in entries[:_MOST_ROWS]
        )
        more = f"\n\nand {len(entries) - _MOST_ROWS} more" if len(entries) > _MOST_ROWS else ""
        columns = (title, "requests", "errors", "TTFT p50", "TTFT p95", "TPS", "cost")
        yield _table(columns, rows, right=True) + more


def _errors(summary: Mapping[str, Any]) -> str:
    rows = (
        (error["kind"], error["outcome"], count(error["count"]), error["sample"] or UNKNOWN)
        for error in summary["errors"]
    )
    return _table(("kind", "", "count", "for example"), rows) if summary["errors"] else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool = False) -> str:
    line = ["---", *["--:" if right else "---"] * (len(columns) - 1)]
    cells = [list(columns), line, *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """What others said, without what would be markup: one line, no tags, no links, no end of a cell."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    for character in "\\`*_[]<>|~#":
        line = line.replace(character, f"\\{character}")
    return line
