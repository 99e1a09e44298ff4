"""What a run has left at a Pushgateway: found by asking the gateway, and deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import httpx
import msgspec

from raysim.core.plan.metrics_plan import MetricsPlan
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.pushgateway import JOB, RUN_GROUP, group_url, groups_of
from raysim.sinks.sink_http import SinkHttp

#: a gateway that many runs share lists all that it has; nobody measures meanwhile
_PATIENCE_S = 30.0
_BAD_REQUEST = 400
_GONE = 404


class _Group(msgspec.Struct):
    labels: dict[str, str] = {}


class _Listing(msgspec.Struct):
    """What the gateway says of its groups; their metrics are not read."""

    data: list[_Group] = []


def delete_groups(
    plan: MetricsPlan, run_id: str, environ: Mapping[str, str] = os.environ, client: httpx.Client | None = None
) -> int:
    """Delete the groups of a run from the Pushgateway of `plan`; how many there were.

    Args:
        plan: which gateway, and how it is entered.
        run_id: the run.
        environ: where credentials are looked for.
        client: for tests.

    Raises:
        SinkError: the gateway cannot be asked, or one of them may still be there.
    """
    http = SinkHttp(plan.pushgateway_url, plan.pushgateway_access, client, environ, _PATIENCE_S)
    found = _groups(http, plan.pushgateway_url, run_id)
    for group in found:
        answer = http.call("DELETE", group)
        if answer.status_code >= _BAD_REQUEST:
            raise SinkError(f"{group} was not deleted: {answer.status_code} {http.quoted(answer.text)}")
    return len(found)


def _groups(http: SinkHttp, url: str, run_id: str) -> Sequence[str]:
    answer = http.call("GET", f"{url}/api/v1/metrics")
    if answer.status_code == _GONE:
        # one that is too old to say what it has deletes what it does not have as gladly
        return list(groups_of(url, run_id, (RUN_GROUP, "0")).values())
    if answer.status_code >= _BAD_REQUEST:
        raise SinkError(f"{url} did not say what it has: {answer.status_code} {http.quoted(answer.text)}")
    try:
        listing = msgspec.json.decode(answer.content, type=_Listing)
    except msgspec.MsgspecError as error:
        raise SinkError(f"{url} did not say what it has: is this a Pushgateway?") from error
    mine = {"job": JOB, "test_run": run_id}
    return [group_url(url, each.labels) for each in listing.data if mine.items() <= each.labels.items()]
