"""What the repository's pages say of commands, files, links and messages is so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from raysim.cli.main import cli
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, rows

ROOT = Path(__file__).resolve().parents[2]
#: made by tools or by runs; nothing that anyone wrote
_GENERATED = {"dist", "build", "__pycache__", "corpus"}
_HIDDEN_BUT_OURS = {".ci", ".github", ".gitignore"}
_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:^\s*|-m )raysim (.+)")
#: two string literals that follow each other are one text
_JOINED = re.compile(r'"\s*\n\s*f?"')

# spelt in two parts, so that this file does not hold what it looks for
_MACHINE_PATHS = re.compile(r"(?<![\w.}])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/(?!raysim\b)\w+)/|\.\./sha" + "red")
_REGISTRIES = re.compile(
    r"(?:pypi\.o" + r"rg|pythonhos" + r"ted\.|npmjs\.o" + r"rg|proxy\.gol" + r"ang\.|docker\.i" + "o)"
)


def written_files() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository that is not generated, with its text."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            generated = path.name in _GENERATED or path == ROOT / "results"
            if generated or (path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS):
                continue
            if path.is_dir():
                folders.append(path)
                continue
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


PAGES = [path for path, _ in written_files() if path.suffix == ".md"]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=names)


def anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[list[str]]:
    """What follows `raysim` in each command that `text` shows."""
    blocks = _FENCE.findall(text)
    lines = [line for block in blocks for line in block.splitlines() if not line.lstrip().startswith("#")]
    for snippet in (*lines, *_INLINE.findall(_FENCE.sub("", text))):
        match = _COMMAND.search(snippet)
        if match and not re.match(r"(platform )?\W", match[1]):
            yield [word.strip("[]") for word in shlex.split(match[1].replace("…", ""), comments=True)]


@cache
def source() -> str:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "raysim").rglob("*.py")))
    return _JOINED.sub("", text)


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{names(page)} links to {target}, which does not exist"
        assert not anchor or anchor in anchors(path), f"{names(page)} links to {target}: no such heading"


@pages
def test_commands_and_their_options_exist(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8")):
        shown = "raysim " + " ".join(words)
        command: click.Command | None = cli
        arguments = list(words)
        while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
            command = command.get_command(click.Context(command), arguments.pop(0))
        assert command is not None, f"{names(page)}: {shown}: no such command"
        known = {option for parameter in command.params for option in parameter.opts}
        unknown = {word for word in arguments if word.startswith("--")} - known - {"--version", "--help"}
        assert not unknown, f"{names(page)}: {shown}: no such option"
        missing = [word for word in arguments if word.startswith("configs/") and not (ROOT / word).exists()]
        assert not missing, f"{names(page)}: {shown}: no such file"


def test_the_readme_shows_commands_at_all() -> None:
    shown = {words[0] for words in commands((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {"run", "plan", "validate"} <= shown


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in cli.list_commands(click.Context(cli)) if f"`{name}" not in readme] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    found = [
        f"{names(path)}:{number}: {line.strip()[:100]}"
        for path, text in written_files()
        for number, line in enumerate(text.splitlines(), 1)
        if _MACHINE_PATHS.search(line) or _REGISTRIES.search(line) or str(ROOT) in line
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["cd /wo" + "rk/main", "see ../sha" + "red/x", "https://py" + "pi.org/simple", "ls /ro" + "ot/results"],
)
def test_such_lines_would_be_found(line: str) -> None:
    assert _MACHINE_PATHS.search(line) or _REGISTRIES.search(line)


def test_quoted_messages_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    # the first is Ray's, the second a status
    ours = [h for h in headings if not h.startswith(("No available agent", "status 8"))]
    fragments = [part.strip(" ;:?") for heading in ours for part in heading.split("…")]
    assert len(ours) > 20
    assert [fragment for fragment in fragments if fragment and fragment not in source()] == []


def test_the_tests_that_the_security_page_names_exist() -> None:
    cited = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(cited) > 10
    assert [
        f"{file}::{name}"
        for file, name in cited
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8"))
    ] == []


def test_every_key_of_the_summary_is_described() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    words = {word.removesuffix("[]") for word in _INLINE.findall(_FENCE.sub("", page))}
    summary = summarise(rows([]), facts())
    own_page = {"definitions"}
    keys = set(summary) | {
        key for name, part in summary.items() if isinstance(part, dict) and name not in own_page for key in part
    }
    entries = (*summary["tenants"], *summary["phases"])
    keys |= {key for entry in entries for key in entry}
    assert sorted(keys - words) == []
