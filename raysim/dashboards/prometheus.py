"""A live Prometheus, asked by HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from raysim.core.errors import PreflightError
from raysim.dashboards.live_check import RefusedError

_TIMEOUT_S = 10.0
_NEWEST = 'topk(1, max by (test_run) (push_time_seconds{job="raysim"}))'
_SERVER_ERROR = 500


class Prometheus:
    """A Prometheus at one moment.

    Args:
        url: of it.
        at: the moment, as unix seconds or RFC 3339; empty for now.
    """

    def __init__(self, url: str, at: str = "") -> None:
        self._url = url.rstrip("/")
        self._time = {"time": at} if at else {}
        self._client = httpx.Client(timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Ask nothing more."""
        self._client.close()

    def values(self, expression: str) -> list[float]:
        """The value of each series that `expression` returns.

        Raises:
            RefusedError: it is no PromQL.
            PreflightError: Prometheus cannot be asked.
        """
        return [float(each["value"][1]) for each in self._query(expression)]

    def newest_run(self) -> str:
        """The run that pushed last.

        Raises:
            PreflightError: there is none, or Prometheus cannot be asked.
        """
        found = self._query(_NEWEST)
        if not found:
            raise PreflightError(
                f"{self._url} knows of no run",
                hint="does it scrape the Pushgateway, with honor_labels? See docs/live-metrics.md",
            )
        run_id: str = found[0]["metric"]["test_run"]
        return run_id

    def _query(self, expression: str) -> list[dict[str, Any]]:
        try:
            answer = self._client.post(f"{self._url}/api/v1/query", data={"query": expression, **self._time})
            document = answer.json()
            if answer.status_code >= _SERVER_ERROR:
                raise PreflightError(f"{self._url} answered {answer.status_code}: {document.get('error', '')}")
            if document["status"] != "success":
                raise RefusedError(str(document["error"]))
            result = document["data"]["result"]
            # a number without a series, such as of time(), has neither labels nor a list
            return [{"metric": {}, "value": result}] if document["data"]["resultType"] == "scalar" else list(result)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PreflightError(
                f"{self._url} cannot be asked: {error}",
                hint="give the address of a Prometheus, such as http://host:9090",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PreflightError(f"{self._url} does not answer as a Prometheus does") from error
