"""Sends a run's metrics to an OpenTelemetry collector, by OTLP over HTTP."""

from __future__ import annotations

import gzip

import httpx
import orjson

from raysim.core.metrics.otlp import OtlpOrigin, otlp_request
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.plan.metrics_plan import OPEN_ACCESS, AccessPlan
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.sink_http import SinkHttp

_PATH = "/v1/metrics"
_GZIP_LEVEL = 1
_MULTIPLE_CHOICES = 300


class OtlpCollector:
    """A sink that sends every snapshot whole: all values are totals, so that the next one makes good a lost one.

    Args:
        url: the collector's address, with or without `/v1/metrics`.
        origin: who sends.
        access: how the collector is entered.
        client: for tests.
    """

    name = "OpenTelemetry"

    def __init__(
        self, url: str, origin: OtlpOrigin, access: AccessPlan = OPEN_ACCESS, client: httpx.Client | None = None
    ) -> None:
        self._url = url if url.endswith(_PATH) else f"{url}{_PATH}"
        self._origin = origin
        self._http = SinkHttp(self._url, access, client)

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Send `snapshot`.

        Raises:
            SinkError: the collector is not there, does not answer in time, or does not take all of it.
        """
        body = gzip.compress(orjson.dumps(otlp_request(snapshot, self._origin)), _GZIP_LEVEL)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = self._http.call("POST", self._url, body, headers)
        if answer.status_code >= _MULTIPLE_CHOICES:
            raise SinkError(f"{self._url} refused: {answer.status_code} {self._http.quoted(answer.text)}")
        refused, why = _refused(answer)
        if refused:
            raise SinkError(f"{self._url} did not take {refused} values: {self._http.quoted(why)}")

    def finish(self) -> None:
        """What was sent stays as it is."""

    def remove(self) -> None:
        """A collector passes on what it gets at once: nothing can be taken back."""


def _refused(answer: httpx.Response) -> tuple[int, str]:
    """How many values the collector did not take although it answered well, and why."""
    try:
        said = orjson.loads(answer.content)["partialSuccess"]
        return int(said.get("rejectedDataPoints", 0)), str(said.get("errorMessage", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        # no body, or none in JSON: all of it was taken
        return 0, ""
