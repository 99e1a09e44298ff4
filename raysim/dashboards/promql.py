"""Which series a PromQL expression asks for: a tokenizer, and what names and labels the tokens are. Pure.

It does not judge whether an expression means something, which a Prometheus does, but catches what that one cannot: a
name that nobody exports, and a label that such series do not carry, both of which just return nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<variable>\$\{?\w+\}?)
    | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)
    | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],:@])
    """,
    re.VERBOSE,
)
#: words in front of a list of labels in brackets
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
#: words that are no metric although no bracket follows
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan", "Inf", "NaN"})
_CLOSES = {"(": ")", "{": "}", "[": "]"}


class QueryError(ValueError):
    """An expression is not PromQL; the message says where."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name in an expression, and the labels that it is picked by."""

    name: str
    matched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an expression asks for.

    Args:
        selectors: the series, in their order.
        grouped: labels that results are grouped or matched by.
        made: labels that `label_replace` and `label_join` make.
    """

    selectors: tuple[Selector, ...]
    grouped: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def read(expression: str) -> Asked:
    """What `expression` asks for.

    Raises:
        QueryError: a character that PromQL does not have, or brackets that do not match.
    """
    tokens = list(_tokens(expression))
    _check_brackets(tokens)
    selectors: list[Selector] = []
    grouped: list[str] = []
    made: list[str] = []
    at = 0
    while at < len(tokens):
        token, after = tokens[at], tokens[at + 1].text if at + 1 < len(tokens) else ""
        at += 1
        if token.text == "{":
            raise QueryError("series are picked without the name of a metric")
        if token.kind != "name":
            continue
        if token.text in _LISTS:
            if after == "(":
                found, at = _names_until(tokens, at + 1, ")")
                grouped += found
        elif after in ("(", "by", "without"):
            if token.text in ("label_replace", "label_join"):
                made += _made_by(tokens, at)
        elif token.text not in _WORDS:
            matched: list[str] = []
            if after == "{":
                matched, at = _names_until(tokens, at + 1, "}")
            selectors.append(Selector(token.text, tuple(matched)))
    return Asked(tuple(selectors), tuple(grouped), tuple(made))


def _tokens(expression: str) -> Iterator[_Token]:
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise QueryError(f"{expression[at]!r} at character {at + 1} is not PromQL")
        at = found.end()
        if found.lastgroup != "space":
            yield _Token(found.lastgroup or "", found.group())


def _check_brackets(tokens: Sequence[_Token]) -> None:
    expected: list[str] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in _CLOSES:
            expected.append(_CLOSES[token.text])
        elif token.text in _CLOSES.values() and (not expected or expected.pop() != token.text):
            raise QueryError(f"{token.text!r} closes nothing")
    if expected:
        raise QueryError(f"{expected[-1]!r} is missing")


def _names_until(tokens: Sequence[_Token], at: int, end: str) -> tuple[list[str], int]:
    """The names from a place on until the sign `end`, and the place behind that."""
    names = []
    while tokens[at].text != end or tokens[at].kind != "sign":
        if tokens[at].kind == "name":
            names.append(tokens[at].text)
        at += 1
    return names, at + 1


def _made_by(tokens: Sequence[_Token], at: int) -> list[str]:
    """The label that a call makes: the first string at the depth of its own arguments."""
    depth = 0
    for token in tokens[at:]:
        if token.kind == "sign" and token.text in _CLOSES:
            depth += 1
        elif token.kind == "sign" and token.text in _CLOSES.values():
            depth -= 1
            if depth == 0:
                break
        elif token.kind == "string" and depth == 1:
            return [token.text[1:-1]]
    raise QueryError("label_replace and label_join name the label that they make")
