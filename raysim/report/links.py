"""From a report to what Prometheus has of the run."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from urllib.parse import urlencode

#: a graph begins and ends so many seconds around the run: pushes and scrapes come later than what they tell
_AROUND_S = 30.0
_RUN = "{RUN}"
#: over this span rates are taken: a run's metrics are usually exported and scraped every ten seconds
_SPAN = "[1m]"
_TTFT = "loadtest_llm_time_to_first_token_seconds_bucket"
_GRAPHS = (
    ("requests/s", f"sum by (status) (rate(loadtest_run_requests_total{_RUN}{_SPAN}))"),
    ("active users", f"loadtest_run_active_users{_RUN}"),
    ("error ratio", f"loadtest_run_error_ratio{_RUN}"),
    ("TTFT p95", f"histogram_quantile(0.95, sum by (le, model) (rate({_TTFT}{_RUN}{_SPAN})))"),
    ("cost", f"loadtest_run_cost_usd_total{_RUN}"),
)


def prometheus_links(url: str, run_id: str, started_at: float, duration_s: float) -> list[dict[str, str]]:
    """Graphs of this run in its Prometheus, each with `title` and `url`; none without an address or a second 0.

    Args:
        url: where a browser finds Prometheus, "" for nowhere.
        run_id: the label `test_run`.
        started_at: Unix seconds of the run's second 0, 0 when it never began.
        duration_s: how long it went on, drain included.
    """
    if not url or not started_at:
        return []
    end = datetime.fromtimestamp(math.ceil(started_at + duration_s + _AROUND_S), UTC)
    run = "{" + f'test_run="{run_id}"' + "}"
    return [
        {
            "title": title,
            "url": f"{url}/graph?"
            + urlencode(
                {
                    "g0.expr": expression.replace(_RUN, run),
                    "g0.tab": "0",
                    "g0.range_input": f"{math.ceil(duration_s + 2 * _AROUND_S)}s",
                    "g0.end_input": f"{end:%Y-%m-%d %H:%M:%S}",
                }
            ),
        }
        for title, expression in _GRAPHS
    ]
