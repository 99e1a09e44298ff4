"""Pushes a run's metrics to a Prometheus Pushgateway, group by group."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import httpx

from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.plan.metrics_plan import OPEN_ACCESS, AccessPlan
from raysim.sinks.exposition import CONTENT_TYPE, exposition
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.sink_http import SinkHttp

#: the first part of the key of every group
JOB = "raysim"
#: the group of the series that are of the run as a whole
RUN_GROUP = "run"
#: most of the time goes into compression otherwise, and text like this shrinks to a tenth nevertheless
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_BAD_REQUEST = 400
_GONE = 404
_MOST_NAMED = 3
_PLAIN_VALUE = re.compile(r"[^/]+")
#: how the gateway begins when families do not go together with those of other groups
_INCONSISTENT = "pushed metrics are invalid or inconsistent with existing metrics"
_CLASH = re.compile(r'metric "?(loadtest_\w+)"? .*is not a \w+', re.DOTALL)


class Pushgateway:
    """A sink that replaces the run's groups at each push: PUT, so that what is gone from the run is gone there too.

    Args:
        url: the gateway's address.
        run_id: the run, a part of each group's key.
        shard: which shard's own series these are.
        access: how the gateway is entered.
        client: for tests.
    """

    name = "Pushgateway"

    def __init__(
        self,
        url: str,
        run_id: str,
        shard: int = 0,
        access: AccessPlan = OPEN_ACCESS,
        client: httpx.Client | None = None,
    ) -> None:
        self._url = url
        self._groups = groups_of(url, run_id, (RUN_GROUP, str(shard)))
        self._shard = str(shard)
        self._http = SinkHttp(url, access, client)
        self._explained: dict[str, str] = {}

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Replace the run's groups by what is in `snapshot`.

        Raises:
            SinkError: the gateway is not there, does not answer in time, or does not take it.
        """
        for group, families in ((RUN_GROUP, snapshot.run), (self._shard, snapshot.shard)):
            if families:
                self._put(self._groups[group], exposition(families, snapshot.constants))

    def _put(self, group: str, text: bytes) -> None:
        compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        body = compressor.compress(text) + compressor.flush()
        headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}
        answer = self._http.call("PUT", group, body, headers)
        if answer.status_code >= _BAD_REQUEST:
            raise SinkError(self._refusal(group, answer.status_code, answer.text))

    def finish(self) -> None:
        """What was pushed stays as it is."""

    def remove(self) -> None:
        """Delete the run's groups.

        Raises:
            SinkError: one of them may still be there.
        """
        for group in self._groups.values():
            answer = self._http.call("DELETE", group)
            if answer.status_code >= _BAD_REQUEST and answer.status_code != _GONE:
                raise SinkError(f"{group} was not deleted: {answer.status_code} {self._http.quoted(answer.text)}")

    def _refusal(self, group: str, status: int, text: str) -> str:
        """Why the gateway did not take a push, and what to do about it.

        Another version of raysim may have pushed a metric of the same name with another type. The gateway then refuses
        all pushes that hold it until that group is deleted.
        """
        clash = _CLASH.search(text) if status == _BAD_REQUEST and _INCONSISTENT in text else None
        if clash is None:
            return f"{group} was refused: {status} {self._http.quoted(text)}"
        # which of the two types the gateway names is chance
        name = clash[1]
        if name not in self._explained:
            others = self._holders(name, group)
            delete = "; ".join(f"curl -X DELETE '{other}'" for other in others[:_MOST_NAMED])
            more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
            self._explained[name] = (
                f"{group} was refused: {name} has another type in a group that another version of raysim pushed; "
                f"delete that group: {delete}{more}"
            )
        return self._explained[name]

    def _holders(self, name: str, own: str) -> list[str]:
        """The groups of others that have a metric of that name; where the gateway does not say, how such are called."""
        try:
            groups = self._http.call("GET", f"{self._url}/api/v1/metrics").json()["data"]
            found = [group_url(self._url, each["labels"]) for each in groups if name in each]
        except (SinkError, ValueError, KeyError, TypeError):
            found = []
        others = [each for each in found if each != own]
        return others or [f"{self._url}/metrics/job/{JOB}/test_run/RUN/shard/N"]


def group_url(url: str, labels: Mapping[str, str]) -> str:
    """The address of the group of metrics that has these labels; `job` is one of them."""
    key = {"job": labels["job"], **labels}
    return f"{url}/metrics/" + "/".join(_segment(name, value) for name, value in key.items())


def groups_of(url: str, run_id: str, shards: Sequence[str]) -> dict[str, str]:
    """The addresses of a run's groups, by shard."""
    return {shard: group_url(url, {"job": JOB, "test_run": run_id, "shard": shard}) for shard in shards}


def _segment(name: str, value: str) -> str:
    """A label of a group's key in its path; in base64 where a slash or nothing would not do as a part of a path."""
    if _PLAIN_VALUE.fullmatch(value):
        return f"{name}/{quote(value, safe='')}"
    encoded = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") or "="
    return f"{name}@base64/{encoded}"
