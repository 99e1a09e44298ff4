"""Comparisons on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from raysim.core.comparison.change import Change
from raysim.core.comparison.pair import Comparison
from raysim.report.compared_text import COLUMNS, cells, difference_lines, headline, rule_line
from raysim.report.numbers import count

_WIDTH = 100
_STYLES = {"worse": "bold red", "better": "green", "no evidence": "dim"}
_RULE_STYLES = {"broken": "bold red", "held": "green", "undecided": "yellow"}
#: what the columns mean; a reader meets them here first
CAPTION = (
    "between: all true changes lie there at once with 95% confidence; would find: the change that would have been "
    "found in four cases of five"
)


def render_comparison(comparison: Comparison, console: Console) -> None:
    """Print one comparison: what differs, what it amounts to, the figures, the rules."""
    width = min(console.width, _WIDTH)
    title = Text.assemble((comparison.run, "bold"), " against ", (comparison.baseline, "bold"))
    requests = f"{count(comparison.requests[1])} requests against {count(comparison.requests[0])}"
    console.print()
    console.print(title, Text(f"· {comparison.scenario} · {requests}"), width=width)
    differing = list(difference_lines(comparison))
    console.print(Text("The scenarios differ:" if differing else "The scenarios are the same."), width=width)
    for line in differing:
        console.print(Text(f"  {line}"), width=width)
    console.print(Text(headline(comparison), "bold"), width=width)
    for note in comparison.notes:
        console.print(Text(f"note: {note}", "yellow"), width=width)
    console.print()
    console.print(_table("", comparison.changes, width), width=width)
    for group in comparison.groups:
        console.print()
        console.print(_table(f"{group.column} {group.name}", group.changes, width), width=width)
    console.print(Text(CAPTION, "dim"), width=width)
    for verdict in comparison.rules:
        console.print(Text(rule_line(verdict), _RULE_STYLES[verdict.outcome]), width=width)


def _table(title: str, changes: Iterable[Change], width: int) -> Table:
    """The changes; what would be found is left out where lines are short."""
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    columns = COLUMNS if width >= _WIDTH else COLUMNS[:-1]
    for column in columns:
        table.add_column(column, justify="left" if column in {"figure", "verdict"} else "right", no_wrap=True)
    for change in changes:
        row = cells(change)[: len(columns)]
        table.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    return table


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The same for the summary of a continuous-integration job."""
    return "\n".join(line for comparison in comparisons for line in _markdown(comparison))


def _markdown(comparison: Comparison) -> Iterator[str]:
    yield f"## {comparison.run} against {comparison.baseline}"
    yield ""
    yield f"**{headline(comparison)}**"
    yield ""
    for verdict in comparison.rules:
        yield f"* {rule_line(verdict)}"
    for note in comparison.notes:
        yield f"* note: {note}"
    for line in difference_lines(comparison):
        yield f"* differs: `{line}`"
    for title, changes in (("", comparison.changes), *((f"{g.column} {g.name}", g.changes) for g in comparison.groups)):
        yield ""
        if title:
            yield f"### {title}"
            yield ""
        yield "| " + " | ".join(COLUMNS) + " |"
        yield "|---|" + "---:|" * (len(COLUMNS) - 1)
        for change in changes:
            yield "| " + " | ".join(cells(change)) + " |"
    yield ""
    yield CAPTION
    yield ""
