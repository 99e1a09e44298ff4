"""Figures of the summary as the page shows them: each says by its path where in `summary.json` it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from raysim.report.html.markup import Html, element
from raysim.report.numbers import UNKNOWN, count, digits, elapsed, seconds, share, size, usd

#: how a figure is written; the page names it beside the path, so that a reader (or a test) can do it again
FORMS: dict[str, Callable[[float | None], str]] = {
    "count": count,
    "digits": digits,
    "elapsed": elapsed,
    "seconds": seconds,
    "milliseconds": lambda value: digits(None if value is None else value * 1e3),
    "share": share,
    "size": size,
    "usd": usd,
}
_BAD = "bad"


def value_at(summary: Mapping[str, Any], path: str) -> Any:
    """What stands at `path`, such as `tenants.0.ttft.p95`; None where nothing does."""
    found: Any = summary
    for step in path.split("."):
        if isinstance(found, list):
            found = found[int(step)]
        elif isinstance(found, Mapping):
            found = found.get(step)
        else:
            return None
    return found


def figure(summary: Mapping[str, Any], path: str, form: str, *, bad: bool = False) -> Html:
    """The figure at `path`, written in `form`; pointing at it shows every digit. `bad` figures are red if not 0."""
    value = value_at(summary, path)
    if value is None:
        return element("span", UNKNOWN, class_="none", data_of=path, data_form=form)
    mark = _BAD if bad and value else None
    return element("span", FORMS[form](value), class_=mark, data_of=path, data_form=form, title=f"{path} = {value}")
