"""Amounts as the API of Kubernetes writes them, exactly: `500m`, `1Gi`, `128974848`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d{1,3})|([KMGTPE]i)|([numkMGTPE]))?")
_BINARY = {f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", start=1)}
_DECIMAL = {prefix: Decimal(10) ** (3 * power) for power, prefix in enumerate("num", start=-3)} | {
    prefix: Decimal(10) ** (3 * power) for power, prefix in enumerate("kMGTPE", start=1)
}


def parse_quantity(text: str) -> Decimal:
    """The amount that `text` stands for: cores, bytes or a number of objects.

    Raises:
        ValueError: no such amount.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"found {text!r}; expected an amount such as 500m, 2, 512Mi or 1Gi")
    number, exponent, binary, decimal = match.groups()
    if exponent:
        return Decimal(number + exponent)
    return Decimal(number) * (_BINARY[binary] if binary else _DECIMAL[decimal] if decimal else 1)


def format_memory(size: Decimal) -> str:
    """Bytes as people write them, exact: in the largest binary unit that leaves at most two decimals."""
    for unit in ("Gi", "Mi", "Ki"):
        found = size / _BINARY[unit]
        if abs(found) >= 1 and found == round(found, 2):
            return f"{_plain(found)}{unit}"
    return _plain(size)


def format_number(number: Decimal) -> str:
    """Cores, or a number of objects, exact and without an exponent."""
    return _plain(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
