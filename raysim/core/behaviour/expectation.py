"""What an answer must be like to count as a success."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from raysim.core.records.outcome import ErrorKind

JsonScalar = str | int | float | bool | None
JsonPath = tuple[str | int, ...]

#: statuses from here on are failures, unless one of them was asked for
_FIRST_FAILURE = 300
_SHOWN = 80
_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[\"([^\"]*)\"\]|\['([^']*)'\]")


def parse_json_path(text: str) -> JsonPath:
    """The steps of a path such as `$.data[0].embedding` or `usage.prompt_tokens`: names and indexes, nothing else.

    Raises:
        ValueError: it is no such path.
    """
    rest = text.removeprefix("$")
    steps: list[str | int] = []
    while rest:
        step = _STEP.match(rest)
        if step is None:
            break
        name, index, double, single = step.groups()
        steps.append(int(index) if index is not None else next(n for n in (name, double, single) if n is not None))
        rest = rest[step.end() :]
    if rest or not steps:
        raise ValueError(f"found {text!r}; expected names and indexes such as $.data[0].embedding")
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of an answer; what is not given is not looked at.

    `status` is the HTTP status; None for any 2xx. `contains` must be part of the answer's text or body. `json_path`
    must lead somewhere in the body; where `compare` is set, to a value that equals `equals`.
    """

    status: int | None = None
    contains: str = ""
    json_path: JsonPath = ()
    compare: bool = False
    equals: JsonScalar = None

    def judge(self, found: Finding) -> tuple[ErrorKind, str]:
        """The kind of error that an answer ends in, and why.

        A failure that has a kind of its own keeps it: a refusal is not a broken expectation. The one exception is a
        status that was asked for, which makes an answer with it a success.
        """
        if self.status is not None and found.status == self.status >= _FIRST_FAILURE:
            error, detail = ErrorKind.NONE, ""
        else:
            error, detail = found.error, found.detail
        if error is not ErrorKind.NONE:
            return error, detail
        broken = self._broken(found)
        return (ErrorKind.EXPECTATION_FAILED, broken) if broken else (ErrorKind.NONE, "")

    def _broken(self, found: Finding) -> str:
        if self.status is not None and found.status != self.status:
            return f"status {found.status} instead of {self.status}"
        if self.contains and self.contains not in found.text and self.contains.encode() not in found.body:
            return f"the answer does not contain {_shown(self.contains)}"
        return self._broken_path(found.body) if self.json_path else ""

    def _broken_path(self, body: bytes) -> str:
        try:
            value: object = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return "the answer is not one JSON document"
        for place, step in enumerate(self.json_path):
            there = _below(value, step)
            if not there:
                return f"the answer has no {_spelt(self.json_path[: place + 1])}"
            value = there[0]
        if self.compare and not _same(value, self.equals):
            return f"{_spelt(self.json_path)} is {_shown(value)} instead of {_shown(self.equals)}"
        return ""


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer as it was read: what is wrong with it so far, its HTTP status, its visible text, its body if whole."""

    error: ErrorKind
    detail: str
    status: int
    text: str
    body: bytes


def _below(value: object, step: str | int) -> tuple[object] | tuple[()]:
    """What lies one step below `value`; empty when nothing does."""
    if isinstance(step, str):
        return (value[step],) if isinstance(value, dict) and step in value else ()
    return (value[step],) if isinstance(value, list) and step < len(value) else ()


def _same(value: object, expected: JsonScalar) -> bool:
    """Equal as JSON sees it: true is not 1, but 1 is 1.0."""
    return isinstance(value, bool) == isinstance(expected, bool) and value == expected


def _spelt(path: JsonPath) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
