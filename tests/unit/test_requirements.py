"""The list of requirements names evidence that exists, gives reasons, and counts right."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from tests.unit.docs.test_commands import parsed
from tests.unit.test_prose import ROOT

PAGE = ROOT / "docs" / "requirements.md"
CHECKLIST = ROOT.parent / ("sha" + "red") / "design" / "requirements-checklist.md"
STATES = ("met", "partly", "not met")
_TEST = re.compile(r"[a-z0-9_/]+/test_\w+\.py::test_\w+")
#: of sections without ids of their own, in the order of the list
_PREFIXES = ("UT", "IT", "E2E", "PT", "DOC", "DEP", "SEC")


class Row(NamedTuple):
    """One requirement."""

    id: str
    what: str
    state: str
    shown: str


def rows() -> list[Row]:
    lines = re.findall(
        r"^\| \*{0,2}([A-Z0-9]+-[\d.]+)\*{0,2} \| (.+) \| (.+) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return [Row(*line) for line in lines]


ROWS = rows()


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def evidence(row: Row) -> list[str]:
    """What the row names in backticks, and files that it links to."""
    return re.findall(r"`([^`]+)`", row.shown) + re.findall(r"\]\(([\w./-]+)\)", row.shown)


def problem(shown: str) -> str:
    """Why this is no evidence; "" when it is."""
    if _TEST.fullmatch(shown):
        name, _, function = shown.partition("::")
        path = ROOT / "tests" / name
        return "" if path.is_file() and function in functions(path) else "no such test"
    program, *words = shlex.split(shown)
    of_program = {"make": of_make, "python": of_python, "raysim": of_raysim}.get(program)
    if of_program is not None:
        return of_program(words)
    return "" if (ROOT / "docs" / shown).is_file() else "neither a test, a command nor a file"


def of_make(words: list[str]) -> str:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return "" if words[0] in targets else "no such target"


def of_python(words: list[str]) -> str:
    path = ROOT / (words[1].replace(".", "/") + ".py")
    return lacks(words[2:], path.read_text(encoding="utf-8")) if path.is_file() else "no such module"


def of_raysim(words: list[str]) -> str:
    missing = [word for word in words if word.endswith(".yaml") and not (ROOT / word).is_file()]
    if missing:
        return f"no file {missing[0]}"
    try:
        parsed(words)
    except click.ClickException as error:
        return error.format_message()
    return ""


def lacks(words: list[str], source: str) -> str:
    """What is wrong with a module's arguments, by its calls of `add_argument`; "" when nothing is."""
    unknown = [word for word in words if word.startswith("--") and f'"{word}"' not in source]
    if unknown:
        return f"no option {unknown[0]}"
    needed = re.findall(r'add_argument\(\s*"([a-z]\w*)"(?![^)]*nargs=)', source)
    needed += re.findall(r'add_argument\(\s*"(--[\w-]+)"[^)]*required=True', source)
    left_out = [name for name in needed if name.startswith("--") and name not in words]
    if not words:
        left_out = needed
    return f"needs {left_out[0]}" if left_out else ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_has_a_state_evidence_that_exists_and_a_reason_where_it_needs_one(row: Row) -> None:
    assert row.state in STATES
    named = evidence(row)
    assert {shown: problem(shown) for shown in named} == dict.fromkeys(named, "")
    if row.state != "not met":
        assert named
    plain = re.sub(r"`[^`]+`|\[[^\]]*\]\([^)]*\)", "", row.shown).strip(" :,")
    assert bool(plain) == (row.state != "met"), "a reason is for what is not met"


def test_a_requirement_is_met_when_all_of_its_parts_are() -> None:
    parts = {row.id: [part for part in ROWS if part.id.startswith(f"{row.id}.")] for row in ROWS}
    wrong = [row.id for row in ROWS if row.state == "met" and any(part.state != "met" for part in parts[row.id])]
    assert wrong == []


def test_counts_are_those_of_the_rows() -> None:
    met, partly, missing = (sum(row.state == state for row in ROWS) for state in STATES)
    said = f"Of {len(ROWS)} rows {met} are met, {partly} partly, {missing} not met."
    assert PAGE.read_text(encoding="utf-8").endswith(f"## Counts\n\n{said}\n")


def test_what_is_no_evidence_is_found() -> None:
    assert problem("unit/test_requirements.py::test_nothing") == "no such test"
    assert problem("unit/test_requirements.py::test_what_is_no_evidence_is_found") == ""
    assert problem("make tea") == "no such target"
    assert problem("python -m benchmarks.soak --tea") == "no option --tea"
    assert problem("raysim run configs/tea.yaml") == "no file configs/tea.yaml"
    assert problem("tea.md") == "neither a test, a command nor a file"
    assert problem("raysim kube render configs/quickstart.yaml") == "Missing option '--out'."
    assert problem("python -m benchmarks.memory") == "needs what"
    assert problem("python -m benchmarks.packed --streams 5") == "needs --port"


def test_every_requirement_has_its_row() -> None:
    if not CHECKLIST.is_file():
        pytest.skip("the list that raysim was made from is not beside this checkout")
    wanted: list[str] = []
    prefixes = iter(_PREFIXES)
    parent, prefix, number = "", "", 0
    for line in CHECKLIST.read_text(encoding="utf-8").splitlines():
        if re.match(r"#+ (Unit|Integration|End-to-End|Performance) Tests|## (Documentation|Deployment|Security)", line):
            parent, prefix, number = "", next(prefixes), 0
        elif found := re.match(r"- \[ \] \*\*([A-Z]+-\d+)\*\*", line):
            parent, number = found[1], 0
            wanted.append(parent)
        elif re.match(r" *- \[ \]", line):
            number += 1
            wanted.append(f"{parent}.{number}" if parent else f"{prefix}-{number}")
    assert [row.id for row in ROWS] == wanted
