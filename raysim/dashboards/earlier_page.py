"""`docs/from-the-earlier-harness.md`, made from the table of names."""

from __future__ import annotations

from raysim.dashboards.earlier import LABELS, NAMES, As, Earlier

_FOREWORD = """
# Coming from the earlier harness

For dashboards, alerts and scripts that were written for the metrics of the platform team's earlier load-testing
harness. This page is made from `raysim/dashboards/earlier.py` by `make docs`. Scenario files of the earlier harness are
meant to run as they are; where one does not, `raysim validate` says what to write instead.

raysim uses base units (seconds, ratios from 0 to 1) and these labels:

| earlier | here |
|---|---|
{labels}

[dashboards/rules/earlier-harness.yaml](../dashboards/rules/earlier-harness.yaml) has recording rules that keep old
queries going: load it as a rule file of your Prometheus, and names marked **recorded** below exist with the earlier
units and labels, beside raysim's own. It adds as many series as what it copies; load it for as long as you need it.
Names that both have in common are not recorded again: change their labels in the query.

What the tables say of the earlier names comes from that harness's published metric contracts, not from a running one.
"""


def earlier_page() -> str:
    """The page: a table for each subject."""
    labels = "\n".join(f"| `{was}` | `{label}` |" for label, was in LABELS.items())
    sections = [_FOREWORD.format(labels=labels).strip()]
    for title, names in NAMES.items():
        rows = [_row(earlier) for earlier in names]
        sections.append("\n".join([f"## {title}", "", "| earlier | is | here | differs |", "|---|---|---|---|", *rows]))
    return "\n\n".join(sections) + "\n"


def _row(earlier: Earlier) -> str:
    had = f"**{earlier.had}**" if earlier.had is As.RECORDED else earlier.had
    here = earlier.here if earlier.had is As.OTHERWISE else f"`{earlier.here}`"
    differs = [f"x {earlier.factor}"] if earlier.factor != 1 else []
    differs += [earlier.differs] if earlier.differs else []
    return f"| `{earlier.name}` | {had} | {here} | {'; '.join(differs)} |"
