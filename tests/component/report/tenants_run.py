"""A made-up run of two tenants of which one runs out of budget in the middle."""

from __future__ import annotations

from typing import Any

from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from tests.component.report.sample_run import MS, STARTED, failure, plan_names, record

#: seconds after the run's start at which the second tenant is first refused, and last
RAN_OUT_S, GONE_S = 30.0, 33.0
PER_S = 16
REFUSAL = {"http_status": 402, "stated_usage": 0.1602, "stated_limit": 0.16}


def tenants_run(*, slower: float = 1.0, stated: bool = False) -> list[RequestRecord]:
    """Both tenants ask eight times a second from second 10 to 50, the second one until its three users have gone.

    Until then the first tenant's answers take `slower` times as long. With `stated` the platform states its charges.
    """
    first, second = plan_names()
    stream = Stream(11)
    records: list[RequestRecord] = []
    refused_users: set[int] = set()
    for number in range(40 * PER_S):
        run_s = 10.0 + number / PER_S
        org, user = (first, second)[number % 2], number // 2 % 3
        changes: dict[str, Any] = {
            "org_id": org,
            "user_id": f"{org}-{user}",
            "due_unix_ns": STARTED * 1000 * MS + int(run_s * 1000 * MS),
        }
        if org == second and run_s >= RAN_OUT_S:
            if user not in refused_users and run_s >= RAN_OUT_S + user:
                refused_users.add(user)
                records.append(failure(number, ErrorKind.BUDGET_EXCEEDED, **changes, **REFUSAL))
            continue
        factor = slower if org == first and run_s < GONE_S else 1.0
        ttft = int((90 + 20 * stream.random()) * factor * MS)
        changes |= {"first_token_ns": MS + ttft, "last_token_ns": 101 * MS + ttft, "end_ns": 111 * MS + ttft}
        records.append(record(number, **changes, billed_usd=0.001 if stated else float("nan")))
    return records
