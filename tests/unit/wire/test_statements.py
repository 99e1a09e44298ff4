from __future__ import annotations

import math

import pytest
from msgspec.structs import astuple

from raysim.wire.statements import Statements, statements_of

NAN = math.nan


@pytest.mark.parametrize(
    ("status", "headers", "body", "stated"),
    [
        (200, {}, b"", Statements()),
        (200, {"x-litellm-response-cost": "2.5e-05"}, b"", Statements(billed_usd=2.5e-05)),
        (200, {"x-litellm-key-spend": "0.125"}, b"", Statements(key_spend_usd=0.125)),
        (200, {"x-litellm-response-cost": "None", "x-litellm-key-spend": "-1"}, b"", Statements()),
        (200, {"x-litellm-response-cost": "inf", "x-ratelimit-remaining": "nan"}, b"", Statements()),
        (200, {"x-ratelimit-remaining": "41"}, b"", Statements(rate_remaining=41)),
        (200, {"x-ratelimit-remaining-requests": "7"}, b"", Statements(rate_remaining=7)),
        (429, {"x-ratelimit-remaining": "0"}, b"slow down", Statements(rate_remaining=0)),
        (200, {"x-ratelimit-remaining": "9e99"}, b"", Statements()),
        (402, {}, b'{"limit_context":{"current_usage":0.0501,"limit":0.05}}', Statements(usage=0.0501, limit=0.05)),
        (402, {}, b'{"limit_context":{"current_usage":3}}', Statements(usage=3.0)),
        (402, {}, b'{"limit_context":"no"}', Statements()),
        (200, {}, b'{"limit_context":{"limit":1}}', Statements()),
        (402, {}, b"\xff", Statements()),
    ],
)
def test_what_is_stated_is_kept_and_nothing_else(
    status: int, headers: dict[str, str], body: bytes, stated: Statements
) -> None:
    found = astuple(statements_of(status, headers, body))
    assert found == pytest.approx(astuple(stated), nan_ok=True)
