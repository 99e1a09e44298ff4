"""HTML that is escaped by construction: what is not `Html` already is text, and becomes so."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import orjson

#: elements that have no content and no end
_VOID = frozenset({"meta", "br"})


class Html(str):
    """Markup that was made here. Everything else is text that somebody else may have written."""

    __slots__ = ()


def text(value: object) -> Html:
    """`value` as text: escaped, and without what browsers and terminals take for control characters."""
    if isinstance(value, Html):
        return value
    kept = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in str(value))
    return Html(escape(kept))


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """One element. An underscore at an attribute's end is dropped, others become hyphens; None leaves it out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{joined(content)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """One after the other."""
    return Html("".join(text(part) for part in parts))


def json_script(name: str, value: Any) -> Html:
    """`value` as JSON that a script finds by `name`: nothing in it can end the element or begin a comment."""
    said = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()
    for character in "<>&\u2028\u2029":
        said = said.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{name}">{said}</script>')
