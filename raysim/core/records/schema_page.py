"""`docs/results-schema.md`: the columns of a requests file and the kinds of error, made from what writes them."""

from __future__ import annotations

from raysim.core.backends.reading import COLUMNS as READING_COLUMNS
from raysim.core.metrics.windows import COLUMNS as WINDOW_COLUMNS
from raysim.core.metrics.windows import MOST_USERS
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, SCHEMA_VERSION, Column

_FOREWORD = """
# Schema of the request records

This page is made from the record's definition by `make docs`. What the other files of a run hold is in
[results.md](results.md); for programs, the same columns are in [a JSON Schema](contracts.md).

`requests/part-*.parquet` holds one row for each request, in the order in which they were handed over; sort by
`due_unix_ns` for the order in which users meant to send them. Schema version {version}, which every file states in its
metadata as `raysim_schema_version` beside `run_id`. Times within a request come from one monotonic clock and count
from the moment the request was due.
"""

_BACKENDS = """
## Backends

`backends.parquet` holds one row for each look at a backend's metrics page, in the order of their times; of a `dcgm`
page one for each GPU. Sums and counts are differences of counters between two looks, as the page states them; a mean
over any time is the sum of the sums over the sum of the counts. What a page does not tell is null.
[backends.md](backends.md) has the metrics that are read, and what is made of them.
"""

_WINDOWS = """
## Windows

`windows.parquet` holds every series of [metrics.md](metrics.md) that `metrics.capture` picks, at every
`metrics.exportInterval` and at the run's end, a row each, in the order of time, with a Pushgateway or without. Series
of single users are left out above {users} users. `metrics.labels` are in `scenario.yaml`, not here.

Counters, histograms and summaries are totals since the run's beginning, as Prometheus has them: the difference of two
times is what happened between them, and differences of a histogram's buckets give quantiles of that span.
"""

#: kind → Parquet's type, and what stands where nothing is known
PARQUET_TYPES = {
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
    sections = [_FOREWORD.format(version=SCHEMA_VERSION), _columns(COLUMNS), _kinds(), _BACKENDS, _readings()]
    sections += [_WINDOWS.format(users=MOST_USERS), "\n".join(_table(WINDOW_COLUMNS))]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _table(columns: tuple[Column, ...]) -> list[str]:
    head = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    return head + [f"| `{c.name}` | {PARQUET_TYPES[c.kind][0]} | {c.unit} | {c.meaning} |" for c in columns]


def _readings() -> str:
    return "\n".join(_table(READING_COLUMNS))


def _columns(columns: tuple[Column, ...]) -> str:
    lines = ["## Columns", "", *_table(columns)]
    lines += ["| `outcome` | string |  | `success`, `error`, `refused` or `cancelled`; follows from `error_type` |", ""]
    lines += [f"* {name}: {absent}" for name, absent in PARQUET_TYPES.values()]
    return "\n".join(lines)


def _kinds() -> str:
    lines = ["## Kinds of error", "", "| `error_type` | outcome | is |", "|---|---|---|"]
    lines += ["| (empty) | success | the answer was complete |"]
    lines += [f"| `{kind}` | {kind.outcome} | {MEANINGS[kind]} |" for kind in ErrorKind if kind]
    return "\n".join(lines)
