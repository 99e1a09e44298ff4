"""The verdicts of a run as JUnit XML, for CI systems: a test case for each threshold and for each verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from raysim.report.outcome_cases import Case, cases

#: what XML 1.0 cannot hold, escaped or not
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(summary: Mapping[str, Any]) -> str:
    """One suite for the run; what is noted without deciding the exit status is a skipped case."""
    found = list(cases(summary))
    root = ET.Element("testsuites", _counts(found))
    started = datetime.fromtimestamp(summary["started_at"], UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    suite = ET.SubElement(
        root,
        "testsuite",
        {"name": _clean(f"raysim {summary['scenario']}"), "timestamp": started, "time": f"{summary['duration_s']:.3f}"}
        | _counts(found),
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("run_id", "seed", "status", "stop_reason"):
        ET.SubElement(properties, "property", {"name": name, "value": _clean(str(summary[name]))})
    for case in found:
        _add(suite, case, summary)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ET.Element, case: Case, summary: Mapping[str, Any]) -> None:
    name = {"classname": _clean(f"{summary['scenario']}.{case.group}"), "name": _clean(case.name), "time": "0"}
    element = ET.SubElement(suite, "testcase", name)
    text = _clean(case.text)
    if case.outcome == "failed":
        ET.SubElement(element, "failure", {"message": text, "type": case.group}).text = text
    elif case.outcome == "noted":
        ET.SubElement(element, "skipped", {"message": text})
    else:
        ET.SubElement(element, "system-out").text = text


def _counts(found: Iterable[Case]) -> dict[str, str]:
    outcomes = [case.outcome for case in found]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failed")),
        "skipped": str(outcomes.count("noted")),
        "errors": "0",
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
