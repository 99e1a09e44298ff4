"""Fenced blocks of pages, and the commands in them."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
#: what ends one command and begins another; after those that begin with `>` or `<` comes a file
_BETWEEN = "|&;<>"


@dataclass(frozen=True)
class Block:
    """A fenced block. `language` is empty for commands."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The page's blocks, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found[1], textwrap.dedent(found[2]), text.count("\n", 0, found.start()) + 1)


def commands(block: str) -> Iterator[list[str]]:
    """The words of each command; redirections and comments are left out."""
    text = ""
    for line in block.splitlines():
        text += line
        if text.endswith("\\"):
            text = text[:-1]
            continue
        try:
            yield from _simple(text)
        except ValueError:  # a quotation goes on
            text += "\n"
            continue
        text = ""
    if text.strip():
        raise ValueError(f"a quotation does not end: {text}")


def _simple(text: str) -> list[list[str]]:
    reader = shlex.shlex(text, posix=True, punctuation_chars=_BETWEEN)
    reader.whitespace_split = True
    found: list[list[str]] = [[]]
    file_follows = False
    for word in reader:
        if set(word) <= set(_BETWEEN):
            file_follows = word[0] in "<>"
            if not file_follows:
                found.append([])
        elif file_follows:
            file_follows = False
        else:
            found[-1].append(word)
    return [words for words in found if words]
