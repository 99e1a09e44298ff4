"""How each figure of the page is defined, as docs/measurement.md says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raysim.report.html.markup import Html, element

_NAMES = {
    "ttft": "TTFT",
    "itl": "ITL",
    "tpot": "TPOT",
    "tps": "TPS",
    "response_time": "response time",
    "error_rate": "error rate",
    "mean_ci95": "95 % interval",
}
#: what the summary's own definitions rest on
_MOMENTS = {
    "due": "when the user meant to send: the end of its think time, or of a pause that a failure made longer",
    "sent": "the request is handed to the socket, stamped right before the call",
    "first token": "the bytes arrived that hold the first non-empty content: text, reasoning or a tool call",
    "last token": "the bytes arrived that hold the last content",
    "end": "the response was complete, or given up",
}
#: what the charts add to it
_CHARTS = {
    "windows": "charts over time put a request into the window in which it was due; quantiles are those of the "
    "window's own requests, exact (of gaps between tokens within 1 %), and never averaged",
    "users": "target and active as the coordinator counted them, about once a second",
    "send lag": "sent - due of requests sent once, without opening a connection and without what raysim held back",
    "flagged": "requests stamped while the generator's event loop was over 10 ms late: over 1 % of them make it "
    "suspect, over 5 % void the figures",
    "TPS per $": "mean TPS of an answer by the dollars that a million tokens cost",
}


def glossary(summary: Mapping[str, Any]) -> Html:
    """The definitions as a list: moments first, then figures, then charts."""
    said = {_NAMES.get(name, name): meaning for name, meaning in summary["definitions"].items()}
    entries = [(element("dt", name), element("dd", meaning)) for name, meaning in (_MOMENTS | said | _CHARTS).items()]
    return element("dl", *(part for entry in entries for part in entry), class_="glossary")
