"""Reading a platform's answers to administrative calls: what failed, whether it may pass, what was asked for."""

from __future__ import annotations

from raysim.core.records.outcome import ErrorKind
from raysim.tenancy.port import TenancyError
from raysim.wire.error_mapping import retry_after_s
from raysim.wire.json_call import JsonAnswer

_TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
#: after these nothing was done: there was no connection, or the platform says that it did not
_NOTHING_SENT = frozenset({ErrorKind.DNS, ErrorKind.TLS, ErrorKind.TIMEOUT_CONNECT, ErrorKind.CONNECTION_REFUSED})
_MAYBE_DONE_STATUS = frozenset({408, 500, 502, 504})


def expect_ok(answer: JsonAnswer, what: str) -> None:
    """Nothing when the answer is a success. Raises TenancyError that says how `what` failed."""
    if not answer.ok:
        raise failed(answer, what)


def failed(answer: JsonAnswer, what: str) -> TenancyError:
    """The error that an unsuccessful answer is."""
    lost = answer.error is not ErrorKind.NONE
    return TenancyError(
        f"{what} failed: {answer.text()}",
        # a certificate that is not accepted will not be accepted in a second either
        transient=(answer.error is not ErrorKind.TLS) if lost else answer.status in _TRANSIENT_STATUS,
        in_doubt=(answer.error not in _NOTHING_SENT) if lost else answer.status in _MAYBE_DONE_STATUS,
        retry_after_s=None if lost else retry_after_s(answer.headers, answer.body),
    )


def text_field(answer: JsonAnswer, what: str, *names: str) -> str:
    """The first of the fields `names` that the answer's object has. Raises TenancyError when it has none."""
    expect_ok(answer, what)
    found = optional_field(answer, *names)
    if not found:
        # never quote this body: it may be the one that holds a key
        raise TenancyError(f"{what}: the platform answered {answer.status} without {' or '.join(map(repr, names))}")
    return found


def optional_field(answer: JsonAnswer, *names: str) -> str:
    """As `text_field`, but "" when there is none."""
    said = answer.json()
    values = (said.get(name) for name in names) if isinstance(said, dict) else ()
    return next((value for value in values if isinstance(value, str) and value), "")
