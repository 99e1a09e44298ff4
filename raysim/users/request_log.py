"""A log line for each request, and one for its bodies."""

from __future__ import annotations

from raysim.core.records.outcome import Outcome
from raysim.core.records.request import RequestRecord
from raysim.users.log_lines import LogLines

#: of a request's or an answer's body, in characters: what a log line holds at most
_LONGEST_BODY = 8192


def log_request(log: LogLines, record: RequestRecord) -> None:
    """A request has ended: a warning when it failed, else for debugging."""
    level = "debug" if record.error_type.outcome in (Outcome.SUCCESS, Outcome.REFUSED) else "warning"
    log.write(
        level,
        "request",
        request_id=record.request_id,
        org_id=record.org_id,
        user_id=record.user_id,
        outcome=record.error_type.outcome,
        error_type=record.error_type,
        http_status=record.http_status,
        detail=record.error_detail,
    )


def log_bodies(log: LogLines, record: RequestRecord, request: str, answer: str) -> None:
    """For debugging: what was asked and answered, without keys."""
    log.write(
        "debug",
        "bodies",
        request_id=record.request_id,
        org_id=record.org_id,
        user_id=record.user_id,
        request=request[:_LONGEST_BODY],
        response=answer[:_LONGEST_BODY],
        cut=max(len(request), len(answer)) > _LONGEST_BODY,
    )
