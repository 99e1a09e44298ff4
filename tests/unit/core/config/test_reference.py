from __future__ import annotations

import re
from typing import Any, get_args

from raysim.core.behaviour.endpoint import EndpointKind
from raysim.core.behaviour.template import PLACEHOLDERS
from raysim.core.config.paths import entries
from raysim.core.config.reference import configuration_page, json_schema


def test_every_key_is_explained() -> None:
    silent = [entry.path for entry in entries() if len(entry.field.description or "") < 8]
    assert silent == []


def test_every_key_is_on_the_page() -> None:
    page = configuration_page()
    missing = [entry.path for entry in entries() if f"| `{entry.key}` |" not in page]
    assert missing == []


def test_every_duration_says_so() -> None:
    page = configuration_page()
    assert "| `maxDuration` | duration or null | `1h` |" in page
    assert "| `sessionDuration` | mapping | none |" in page
    assert not re.search(r"\| (any value|float|Annotated)", page)


def test_the_schema_is_in_the_file_s_spelling() -> None:
    schema = json_schema()
    limits: dict[str, Any] = schema["$defs"]["LimitsSpec"]
    assert limits["additionalProperties"] is False
    assert limits["properties"]["maxDuration"]["default"] == "1h"
    assert "max_duration" not in limits["properties"]
    assert schema["required"] == ["apiVersion", "kind"]


def test_every_placeholder_and_endpoint_is_on_the_page() -> None:
    page = configuration_page()
    for name in PLACEHOLDERS:
        assert f"| `{{{name}}}` |" in page
    for kind in get_args(EndpointKind):
        assert f"| `{kind}` |" in page
    assert "| `equals` | true or false, whole number, number, text | none |" in page
