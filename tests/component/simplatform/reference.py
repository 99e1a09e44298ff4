"""The table of `docs/simulated-platform.md`: `python -m tests.component.simplatform.reference` prints it."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from raysim.simplatform.config import (
    AdminConfig,
    BackendConfig,
    Faults,
    FaultWindow,
    LimitsConfig,
    ModelConfig,
    PlatformConfig,
    TlsConfig,
)

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", PlatformConfig),
    ("models[].", ModelConfig),
    ("backends[].", BackendConfig),
    ("admin.", AdminConfig),
    ("limits.", LimitsConfig),
    ("faults.", Faults),
    ("faultWindows[].", FaultWindow),
    ("tls.", TlsConfig),
)
_ELSEWHERE = {"models", "backends", "admin", "limits", "faults", "tls"}


def tables() -> str:
    """One table of every key, its default and its meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for prefix, model in _SECTIONS:
        rows += _rows(prefix, model)
    return "\n".join(rows)


def _rows(prefix: str, model: type[BaseModel]) -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.default, BaseModel) and key not in _ELSEWHERE:
            rows += _rows(f"{key}.", type(field.default))
        else:
            default = "see below" if key in _ELSEWHERE and key != "tls" else _show(field.default)
            rows.append(f"| `{key}` | {default} | {field.description} |")
    return rows


def _show(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    assert not isinstance(value, SecretStr)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(f"{tables()}\n")
