"""Placeholders in what a scenario wants to be sent: which there are, and how they are filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

#: what each placeholder stands for
PLACEHOLDERS: dict[str, str] = {
    "question": "the question that was made up for this request",
    "model": "the model that the user prefers",
    "max_tokens": "the generation limit that was drawn for this request",
    "org_id": "the id of the user's organisation on the platform",
    "user_id": "the user's id on the platform",
    "request_id": "what is sent as `X-Request-ID`",
}
#: those that stay the same for all requests of a user, and so can stand in a path
PATH_PLACEHOLDERS = ("model", "org_id", "user_id")

_KNOWN = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_ANY = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(template: object, values: Mapping[str, str | int]) -> object:
    """A copy of the JSON value `template` with the placeholders in its texts filled.

    A text that is nothing but a placeholder becomes its value, number or text; any other braces stay as they are.
    """
    if isinstance(template, str):
        whole = _KNOWN.fullmatch(template)
        return values[whole[1]] if whole else _KNOWN.sub(lambda found: str(values[found[1]]), template)
    if isinstance(template, Mapping):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, values) for value in template]
    return template


def fill_path(path: str, values: Mapping[str, str | int]) -> str:
    """`path` with its placeholders filled, each value quoted as one step of a path."""
    return _KNOWN.sub(lambda found: quote(str(values[found[1]]), safe=""), path)


def placeholders(template: object) -> list[str]:
    """The names in braces in the texts of `template`, known or not, in their order and without repetition."""
    if isinstance(template, str):
        return list(dict.fromkeys(_ANY.findall(template)))
    if isinstance(template, Mapping):
        parts = list(template.values())
    else:
        parts = list(template) if isinstance(template, list | tuple) else []
    return list(dict.fromkeys(name for part in parts for name in placeholders(part)))
