"""The row that every request leaves behind.

Times within a request come from one monotonic clock and are stored in nanoseconds after `due`; -1 means that it
never happened. `due` itself is stored as wall time, corrected by the node's offset to the coordinator's clock.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from raysim.core.records.outcome import ErrorKind

#: "did not happen" or "is not known", in integer columns; null in Parquet
ABSENT = -1

#: written to the metadata of every Parquet file; raised when a column changes its meaning
SCHEMA_VERSION = 1


@dataclass(slots=True)
class RequestRecord:
    """One request as its user experienced it. Field order is column order; see `COLUMNS` for units."""

    request_id: str
    trace_id: str
    conversation_id: str
    org_id: str
    user_id: str
    worker: str
    phase: str
    endpoint: str
    model: str
    strategy: str
    backend: str = ""
    error_type: ErrorKind = ErrorKind.NONE
    finish_reason: str = ""
    token_source: str = ""
    error_detail: str = ""
    http_status: int = ABSENT
    turn: int = 1
    turns_sent: int = ABSENT
    session: int = ABSENT
    attempts: int = 1
    due_unix_ns: int = 0
    sent_ns: int = ABSENT
    first_byte_ns: int = ABSENT
    first_token_ns: int = ABSENT
    first_output_ns: int = ABSENT
    last_token_ns: int = ABSENT
    end_ns: int = 0
    connect_ns: int = ABSENT
    queue_ns: int = ABSENT
    held_ns: int = ABSENT
    injected_ns: int = ABSENT
    prompt_tokens: int = ABSENT
    completion_tokens: int = ABSENT
    reasoning_tokens: int = ABSENT
    cached_tokens: int = ABSENT
    prompt_target_tokens: int = ABSENT
    max_tokens: int = ABSENT
    chunks: int = 0
    token_reads: int = 0
    bytes_received: int = 0
    question_hash: int = 0
    cost_usd: float = 0.0
    unverified_usd: float = 0.0
    reserved_usd: float = 0.0
    think_s: float = float("nan")
    think_planned_s: float = float("nan")
    think_next_s: float = float("nan")
    retry_after_s: float = float("nan")
    billed_usd: float = float("nan")
    key_spend_usd: float = float("nan")
    stated_usage: float = float("nan")
    stated_limit: float = float("nan")
    rate_remaining: int = ABSENT
    streamed: bool = True
    lag_flagged: bool = False
    excluded: bool = False
    chunk_gaps_us: array[int] = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class Column:
    """How a field is stored.

    `kind`: `str` (dictionary-coded text), `i64` (ABSENT is null), `u64`, `f64` (NaN is null), `bool`, or
    `u32list` (a list of numbers per row).
    """

    name: str
    kind: str
    unit: str
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("request_id", "str", "", "sent as `X-Request-ID`; unique in the run"),
    Column("trace_id", "str", "", "the trace id of the `traceparent` header, 32 hex digits"),
    Column("conversation_id", "str", "", "shared by the turns of one conversation; empty where there is none"),
    Column("org_id", "str", "", "the tenant's name; its id on the platform is in `tenants.parquet`"),
    Column("user_id", "str", "", "the user's name; its id on the platform is in `users.parquet`"),
    Column("worker", "str", "", "the actor that ran the user"),
    Column("phase", "str", "", "phase of the load pattern in which the request was due"),
    Column("endpoint", "str", "", "which endpoint of the mix; of custom ones the path"),
    Column("model", "str", "", "model asked for; empty where none is"),
    Column("strategy", "str", "", "question strategy; empty where nothing is asked"),
    Column("backend", "str", "", "backend that served it, as the platform's headers say; empty when they do not"),
    Column("error_type", "str", "", "kind of error; empty for success"),
    Column("finish_reason", "str", "", "why generation ended, as the platform says"),
    Column(
        "token_source",
        "str",
        "",
        "where token counts come from: `usage`, `tokenizer`, `chunks`, `estimate` (of an embedded prompt) or empty",
    ),
    Column("error_detail", "str", "", "the first 200 characters of what the platform said"),
    Column("http_status", "i64", "", "status of the last response; null when there was none"),
    Column("turn", "i64", "", "1 for the first question of a conversation"),
    Column("turns_sent", "i64", "", "earlier turns of the conversation that were sent along; null where there is none"),
    Column("session", "i64", "", "which of its user's sessions it belongs to, from 1"),
    Column(
        "attempts", "i64", "", "how often it was sent, the retries included; 0 when never; times are those of the last"
    ),
    Column("due_unix_ns", "i64", "ns", "when the user meant to send, wall time"),
    Column("sent_ns", "i64", "ns", "last byte of the request handed to the socket, after due"),
    Column("first_byte_ns", "i64", "ns", "first byte of the response, after due"),
    Column("first_token_ns", "i64", "ns", "arrival of the bytes that hold the first token of any kind, after due"),
    Column("first_output_ns", "i64", "ns", "the same for the first visible (not reasoning) token, after due"),
    Column("last_token_ns", "i64", "ns", "arrival of the last token, after due"),
    Column("end_ns", "i64", "ns", "end of the response or of the attempt, after due"),
    Column("connect_ns", "i64", "ns", "duration of DNS + TCP + TLS when a connection was opened for this request"),
    Column("queue_ns", "i64", "ns", "duration of queueing as the platform states it; null when it does not"),
    Column(
        "held_ns",
        "i64",
        "ns",
        "how long raysim held it back between due and sent: for money, a slot under the cap on the rate, or a free "
        "place among the requests of its user; null when it did not",
    ),
    Column(
        "injected_ns",
        "i64",
        "ns",
        "how long `advanced.chaos` kept it back between due and sent; null when it did not",
    ),
    Column("prompt_tokens", "i64", "tokens", "tokens of the prompt"),
    Column("completion_tokens", "i64", "tokens", "tokens generated, reasoning included"),
    Column("reasoning_tokens", "i64", "tokens", "of those, hidden reasoning"),
    Column("cached_tokens", "i64", "tokens", "prompt tokens served from the platform's prefix cache"),
    Column(
        "prompt_target_tokens", "i64", "tokens", "how long the prompt was to be; null where it is as long as it comes"
    ),
    Column("max_tokens", "i64", "tokens", "generation limit that was asked for"),
    Column("chunks", "i64", "", "chunks that held a token"),
    Column("token_reads", "i64", "", "reads from the socket that held a token; 1 means that all arrived at once"),
    Column("bytes_received", "i64", "bytes", "bytes of the response"),
    Column("question_hash", "u64", "", "64-bit hash of the question's text, 0 for none; uniqueness is counted from it"),
    Column("cost_usd", "f64", "USD", "price of the tokens by the scenario's price table"),
    Column(
        "unverified_usd",
        "f64",
        "USD",
        "what it may have cost besides, as it was sent and the platform did not tell: counts as spent, unless "
        "`limits.unknownCost` is counted",
    ),
    Column("reserved_usd", "f64", "USD", "the most it could cost, set aside before each sending"),
    Column("think_s", "f64", "s", "how long the user really thought before this request"),
    Column("think_planned_s", "f64", "s", "how long it was to think"),
    Column("think_next_s", "f64", "s", "how long the user is to think after the answer; null when it goes at once"),
    Column("retry_after_s", "f64", "s", "how long a refusal or failure asked to wait; null when it did not"),
    Column("billed_usd", "f64", "USD", "what the platform says it charged for the request; null when it does not"),
    Column("key_spend_usd", "f64", "USD", "what the platform says the user's key has spent; null when it does not"),
    Column("stated_usage", "f64", "", "what a refusal says has been used of the limit, in the limit's own unit"),
    Column("stated_limit", "f64", "", "the limit that a refusal says was reached, in its own unit"),
    Column("rate_remaining", "i64", "", "requests that a rate limit leaves, as the platform's headers say"),
    Column("streamed", "bool", "", "whether a streaming answer was asked for"),
    Column("lag_flagged", "bool", "", "the generator was over 10 ms late at its sending, first token or end"),
    Column("excluded", "bool", "", "due in a phase that the headline figures leave out"),
    Column("chunk_gaps_us", "u32list", "us", "gaps between arrivals of successive token chunks"),
)
