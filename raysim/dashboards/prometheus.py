"""A live Prometheus, asked by HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from raysim.core.errors import PreflightError
from raysim.dashboards.live_check import RefusedError

_TIMEOUT_S = 10.0
#: also of runs whose groups were deleted from the gateway since
_PUSHED = "topk(1, max by (test_run) (max_over_time(push_time_seconds{{{where}}}[1d])))"
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class LastPush:
    """A run, and when it pushed last, in unix seconds."""

    run_id: str
    unix_s: float


class Prometheus:
    """A Prometheus at one moment.

    Args:
        url: of it.
        at: the moment, as unix seconds or RFC 3339; empty for now.
    """

    def __init__(self, url: str, at: str = "") -> None:
        self._url = url.rstrip("/")
        # an address may have a password in it, which is nobody's who reads an error
        self._shown = self._url.rpartition("@")[2]
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

    def last_push(self, run_id: str | None = None) -> LastPush:
        """The last push of a run, or of any, in the day before the moment.

        Raises:
            PreflightError: there is none, or Prometheus cannot be asked.
            RefusedError: the moment is none.
        """
        chosen = f', test_run="{run_id}"' if run_id else ""
        found = self._query(_PUSHED.format(where=f'job="raysim"{chosen}'))
        if not found:
            raise PreflightError(
                f"{self._shown} knows of no {f'run {run_id}' if run_id else 'run'} in the last day",
                hint="does it scrape the Pushgateway with honor_labels? --at asks of another time",
            )
        return LastPush(found[0]["metric"]["test_run"], float(found[0]["value"][1]))

    def _query(self, expression: str) -> list[dict[str, Any]]:
        try:
            answer = self._client.post(f"{self._url}/api/v1/query", data={"query": expression, **self._time})
            document = answer.json()
            if answer.status_code >= _SERVER_ERROR:
                raise PreflightError(f"{self._shown} answered {answer.status_code}: {document.get('error', '')}")
            if document["status"] != "success":
                raise RefusedError(str(document["error"]))
            result = document["data"]["result"]
            # a number without a series, such as of time(), has neither labels nor a list
            return [{"metric": {}, "value": result}] if document["data"]["resultType"] == "scalar" else list(result)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PreflightError(
                f"{self._shown} cannot be asked: {error}",
                hint="give the address of a Prometheus, such as http://host:9090",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PreflightError(f"{self._shown} does not answer as a Prometheus does") from error
