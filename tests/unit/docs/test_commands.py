"""Every command that a page shows in a block is one: its options parse, its files are there, or it is listed below."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from raysim.cli.main import cli
from tests.unit.docs.shell import blocks, commands
from tests.unit.test_prose import PAGES, ROOT, names

#: first word → what a reader needs for it, so that no test runs it
NEEDS = {
    "kubectl": "a Kubernetes cluster",
    "ray": "a Ray cluster",
    "curl": "a platform that listens",
    "cp": "Grafana's folders",
    "mkdir": "Grafana's folders",
    ".venv/bin/jupyter": "the extra `notebooks`",
}
#: of the shell itself, or of any Linux
SHELL = {".", "export", "cd", "sort", "uniq", "cut", "field()", "field", "}", "python", ".venv/bin/python"}
#: what takes a scenario as its first argument, and may change it with --set
WITH_SCENARIO = {("run",), ("validate",), ("plan",), ("preflight",), ("chat",), ("kube", "render")}
#: quick, and without any effect: these are run
RUN = {("schema",), ("questions",)}

SHOWN = [
    (page, words) for page in PAGES for block in blocks(page) if not block.language for words in commands(block.text)
]
#: and the command whose output it is
ASSIGNMENT = re.compile(r"\w+=(?:\$\((.*)|.*)", re.DOTALL)


def bare(words: list[str]) -> list[str]:
    """The words without assignments before them, and, of a job, the command that Ray is to run."""
    while words and (found := ASSIGNMENT.fullmatch(words[0])):
        words = [found[1], *words[1:]] if found[1] else words[1:]
    return words[words.index("--") + 1 :] if words[:2] == ["ray", "job"] and "--" in words else words


def of_raysim() -> list[tuple[Path, list[str]]]:
    found = []
    for page, shown in SHOWN:
        words = bare(shown)
        if words[1:3] == ["-m", "raysim"]:
            words = words[2:]
        if words[:1] == ["raysim"]:
            # in a synopsis, what may be left out is in brackets
            found.append((page, [word.strip("[]…") for word in words[1:] if word.strip("[]…")]))
    return found


def parsed(arguments: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Which command that is, and its arguments; click has parsed them, types and all.

    Raises:
        click.ClickException: what is wrong.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="raysim")
    path: tuple[str, ...] = ()
    while isinstance(command, click.Group):
        if not arguments or arguments[0] in ("--version", "--help"):
            return path, arguments
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, path = found, (*path, str(name))
        context = click.Context(command, info_name=str(name), parent=context)
    command.make_context(path[-1], list(arguments), parent=context.parent)
    return path, arguments


@pytest.mark.parametrize("page", sorted({page for page, _ in SHOWN}), ids=names)
def test_every_word_at_the_beginning_is_known(page: Path) -> None:
    known = {"raysim", "make", *SHELL, *NEEDS}
    first = {bare(words)[0] for where, words in SHOWN if where == page and bare(words)}
    assert first - known == set(), "a command that no test looks at; or a text: mark its block with ```text"


@pytest.mark.parametrize(
    ("page", "arguments"), of_raysim(), ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_commands_parse_and_scenarios_take_their_overrides(page: Path, arguments: list[str]) -> None:
    path, rest = parsed(arguments)
    runner = CliRunner()
    if path in RUN and not {"1000000", "support.yaml"} & set(rest):
        here = [str(ROOT / word) if word.startswith("configs/") else word for word in rest]
        assert runner.invoke(cli, [*path, *here]).exit_code == 0
    elif path == ("run",) and "--url" in rest:
        printed = [word for word in rest if word != "--print-scenario"]
        assert runner.invoke(cli, ["run", *printed, "--print-scenario"]).exit_code == 0
    elif path in WITH_SCENARIO and any(word.startswith("configs/") for word in rest):
        scenario = next(word for word in rest if word.startswith("configs/"))
        overrides = [word for i, word in enumerate(rest) if word == "--set" or rest[i - 1] == "--set"]
        checked = runner.invoke(cli, ["validate", str(ROOT / scenario), *overrides])
        assert checked.exit_code == 0, f"{names(page)}: {checked.output}"


def test_targets_of_make_are_there() -> None:
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = {word for _, words in SHOWN if words[0] == "make" for word in words[1:] if not ASSIGNMENT.fullmatch(word)}
    assert wanted - set(rules) == set()


def test_modules_are_there_with_their_options() -> None:
    inline = re.compile(r"`(?:\.venv/bin/)?python -m ((?:benchmarks|tests)[^`]*)`")
    asked = [found.split() for page in PAGES for found in inline.findall(page.read_text(encoding="utf-8"))]
    asked += [words[2:] for _, words in SHOWN if words[1:2] == ["-m"] and words[2] not in ("raysim", "pip", "pytest")]
    assert asked
    for module, *rest in asked:
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        spec = importlib.util.find_spec(f"{module}.__main__") if spec.submodule_search_locations else spec
        assert spec is not None, f"{module} cannot be run"
        source = Path(str(spec.origin)).read_text(encoding="utf-8")
        assert [word for word in rest if word.startswith("--") and f'"{word}"' not in source] == [], module


@pytest.mark.parametrize(
    "wrong", ["run --ui loud x.yaml", "rnu x.yaml", "plan", "compare one", "schema nothing", "run x.yaml --no-such"]
)
def test_wrong_commands_would_be_found(wrong: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(wrong.split())


def test_commands_are_found_in_blocks() -> None:
    text = "a 'b\n# c' d  # e\nf | g > h && i \\\n  j\n"
    assert list(commands(text)) == [["a", "b\n# c", "d"], ["f"], ["g"], ["i", "j"]]
