"""JSON lines as a killed writer leaves them: one line may be half written, and the next writer goes on below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import orjson

T = TypeVar("T")


def whole_lines(lines: Iterable[bytes], decode: Callable[[bytes], T]) -> Iterator[T]:
    """What the lines hold, one by one; those that `decode` refuses by a ValueError are passed over.

    Half a line is no loss where whoever writes acts on a line only when all of it is in the file.
    """
    for line in lines:
        try:
            entry = decode(line)
        except ValueError:
            continue
        yield entry


def whole_objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines; whatever else stands there is passed over."""
    return (entry for entry in whole_lines(lines, orjson.loads) if isinstance(entry, dict))
