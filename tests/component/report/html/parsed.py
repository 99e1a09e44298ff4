"""A page as its reader's browser takes it apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Figure:
    """A figure on the page: where it says it stands, how it says it is written, and what it says."""

    path: str
    form: str
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Elements, figures and scripts of a page."""

    text: str
    names: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._script: str | None = None
        self._figure: Figure | None = None
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        given = dict(attrs)
        if tag == "script":
            self._script = given.get("id") or ""
            self.scripts[self._script] = ""
        if "data-of" in given:
            self._figure = Figure(str(given["data-of"]), str(given["data-form"]))
            self.figures.append(self._figure)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None
        if tag == "span":
            self._figure = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts[self._script] += data
            return
        self.said.append(data)
        if self._figure is not None:
            self._figure.text += data

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script reads."""
        found: dict[str, Any] = json.loads(self.scripts["data"])
        return found
