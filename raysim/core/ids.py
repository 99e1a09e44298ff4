"""Identifiers: of a run, of a request, of a trace. Readable where a person meets them, unique by construction."""

from __future__ import annotations

import re
from hashlib import blake2b

from raysim.core.rng import derive, mix64

_RUN_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SHORT_LENGTH = 6


def new_run_id(started: str, entropy: int) -> str:
    """A run id such as `run-20260714-091503-k3f9`.

    Args:
        started: UTC time as `YYYYMMDD-HHMMSS`.
        entropy: any random number; four characters of it are used, so that two runs of one second differ.
    """
    return f"run-{started}-{_base32(entropy, 4)}"


def valid_run_id(run_id: str) -> bool:
    """Whether `run_id` can be a directory, an actor's name and a DNS label (1 to 63 of a-z, 0-9 and `-`)."""
    return _RUN_ID.fullmatch(run_id) is not None


def short_id(run_id: str) -> str:
    """Six characters that stand for the run in the names of what it creates on the platform."""
    return _base32(int.from_bytes(blake2b(run_id.encode(), digest_size=8).digest(), "big"), _SHORT_LENGTH)


def default_seed(run_id: str) -> int:
    """The seed of a run that was given none: two runs never ask the same questions by accident."""
    return derive(0, "seed", run_id)


def request_id(run_short: str, user_index: int, incarnation: int, sequence: int) -> str:
    """Unique in the run and fit for a header: users count their requests; a restarted one is another incarnation."""
    return f"{run_short}-u{user_index}-{incarnation}.{sequence}"


def trace_id(run_seed: int, user_index: int, incarnation: int, sequence: int) -> str:
    """A W3C trace id, 32 hex digits. Distinct requests of a run have distinct ids, since `mix64` is a bijection."""
    low = mix64((user_index << 40) ^ (incarnation << 32) ^ sequence)
    return f"{mix64(run_seed):016x}{low:016x}"


def traceparent(trace: str) -> str:
    """The `traceparent` header for `trace`; https://www.w3.org/TR/trace-context/."""
    span = int(trace[16:], 16) ^ 0x5DEECE66D
    return f"00-{trace}-{span or 1:016x}-01"


def _base32(number: int, length: int) -> str:
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 32)
        text += alphabet[digit]
    return text
