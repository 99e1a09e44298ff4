"""Reading JSON bodies of the control plane, field by field; every complaint is a 400 with a plain text."""

from __future__ import annotations

import math
from typing import Any

import orjson

from raysim.simplatform.accounts import Refused


class JsonBody:
    """A JSON object, whose fields are asked for by name and type.

    Raises:
        Refused: 400, the body is not a JSON object.
    """

    def __init__(self, body: bytes) -> None:
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refused(400, "invalid request body") from error
        if not isinstance(data, dict):
            raise Refused(400, "invalid request body")
        self.fields: dict[str, Any] = data

    def text(self, name: str) -> str | None:
        """A text, None when it is absent.

        Raises:
            Refused: 400, it is something else.
        """
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise Refused(400, f"{name} must be a string")
        return value

    def required(self, name: str) -> str:
        """A text that is not empty.

        Raises:
            Refused: 400, it is absent, empty or something else.
        """
        value = self.text(name)
        if not value or not value.strip():
            raise Refused(400, f"{name} is required")
        return value

    def mapping(self, name: str) -> dict[str, object]:
        """An object, empty when it is absent.

        Raises:
            Refused: 400, it is something else.
        """
        value = self.fields.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Refused(400, f"{name} must be an object")
        return value

    def number(self, name: str) -> float | None:
        """A number that is not negative, None when it is absent.

        Raises:
            Refused: 400, it is something else.
        """
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise Refused(400, f"{name} must be a number that is not negative")
        return float(value)
