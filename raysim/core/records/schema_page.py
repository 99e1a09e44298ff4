"""`docs/results-schema.md`: the columns of a requests file and the kinds of error, made from what writes them."""

from __future__ import annotations

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, SCHEMA_VERSION

_FOREWORD = """
# Schema of the request records

This page is made from the record's definition by `make docs`. What the other files of a run hold is in
[results.md](results.md).

`requests/part-*.parquet` holds one row for each request, in the order in which they were handed over; sort by
`due_unix_ns` for the order in which users meant to send them. Schema version {version}, which every file states in its
metadata as `raysim_schema_version` beside `run_id`. Times within a request come from one monotonic clock and count
from the moment the request was due.
"""

#: kind → Parquet's type, and what stands where nothing is known
_TYPES = {
    "str": ("string", "never null; empty when it does not apply"),
    "i64": ("int64", "null when it did not happen or is not known"),
    "u64": ("uint64", "never null"),
    "f64": ("double", "null when it is not known"),
    "bool": ("boolean", "never null"),
    "u32list": ("list of uint32", "empty when there are none"),
}

#: what each kind of error means; the kinds without a way to occur say so
MEANINGS: dict[ErrorKind, str] = {
    ErrorKind.TIMEOUT_CONNECT: "no connection within `targets.timeouts.connect`",
    ErrorKind.TIMEOUT_FIRST_TOKEN: "no token within `targets.timeouts.firstToken`",
    ErrorKind.TIMEOUT_TOTAL: "not finished within `targets.timeouts.total`",
    ErrorKind.CONNECTION_REFUSED: "nobody listens at the address",
    ErrorKind.CONNECTION_RESET: "the connection broke before any byte of the response",
    ErrorKind.TLS: "certificate or handshake not accepted, by either side",
    ErrorKind.DNS: "the host's name cannot be resolved",
    ErrorKind.HTTP_4XX: "any other status from 400 to 499",
    ErrorKind.HTTP_5XX: "any other status from 500",
    ErrorKind.AUTH: "401 or 403: the key is not accepted; of `orgs` the administrator's token, or there is none",
    ErrorKind.RATE_LIMITED: "429 that is neither a budget nor a quota",
    ErrorKind.BUDGET_EXCEEDED: "402, or any error whose code or type says so",
    ErrorKind.QUOTA_EXCEEDED: "an error whose code or type says so",
    ErrorKind.OVERLOADED: "503 or 529, or a gateway's header that says that it sheds load",
    ErrorKind.STREAM_INTERRUPTED: "the response broke off, or a stream ended without finish reason and `[DONE]`",
    ErrorKind.STREAM_ERROR: "an error event inside a 200 response",
    ErrorKind.PROTOCOL: "not HTTP/1.1, or framing that never ends",
    ErrorKind.INVALID_RESPONSE: "a response that is not what its endpoint answers with",
    ErrorKind.EXPECTATION_FAILED: "an answer that is not as `endpoints[].expect` has it",
    ErrorKind.CIRCUIT_OPEN: "not sent: the user's circuit breaker is open after failures in a row",
    ErrorKind.INJECTED: "not sent: made to fail on purpose, by `advanced.chaos`",
    ErrorKind.CANCELLED: "ended by raysim: the run stopped and the time to drain was over",
}


def schema_page() -> str:
    """The page: a table of columns and a table of error kinds."""
    sections = [_FOREWORD.format(version=SCHEMA_VERSION), _columns(), _kinds()]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _columns() -> str:
    lines = ["## Columns", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
    lines += [f"| `{c.name}` | {_TYPES[c.kind][0]} | {c.unit} | {c.meaning} |" for c in COLUMNS]
    lines += ["| `outcome` | string |  | `success`, `error`, `refused` or `cancelled`; follows from `error_type` |", ""]
    lines += [f"* {name}: {absent}" for name, absent in _TYPES.values()]
    return "\n".join(lines)


def _kinds() -> str:
    lines = ["## Kinds of error", "", "| `error_type` | outcome | is |", "|---|---|---|"]
    lines += ["| (empty) | success | the answer was complete |"]
    lines += [f"| `{kind}` | {kind.outcome} | {MEANINGS[kind]} |" for kind in ErrorKind if kind]
    return "\n".join(lines)
