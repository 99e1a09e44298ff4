"""The columns of `windows.parquet`: every series of a run's metrics at every interval, a row each."""

from __future__ import annotations

from raysim.core.records.request import Column

#: users' own series are kept for so many users at most: each has some twenty, and they are in the requests anyway
MOST_USERS = 50

#: each label is a column of its own, empty where a series does not carry it; `test_run` is in the file's metadata
LABEL_COLUMNS: tuple[Column, ...] = tuple(
    Column(name, "str", "", meaning)
    for name, meaning in (
        ("org_id", "name of the tenant"),
        ("user_id", f"name of the user; only with `metrics.perUser`, and up to {MOST_USERS} users"),
        ("model", "the model that was asked"),
        ("backend", "what the platform's headers say, or the id in `targets.backends`"),
        ("endpoint", "which of `endpoints`"),
        ("phase", "a phase of the load pattern"),
        ("status", "outcome of requests, or state of user actors"),
        ("http_status", "of requests that did not succeed"),
        ("error_type", "kind of error"),
        ("token_type", "`prompt`, `completion` or `total`"),
        ("reason", "why something ended"),
        ("prompt_bucket", "length of prompts in tokens"),
        ("strategy", "how questions are made"),
        ("worker_pod", "host name of the node"),
        ("gpu", "a GPU of the backend"),
        ("scenario", "of `loadtest_run_info` alone"),
        ("platform", "of `loadtest_run_info` alone"),
        ("version", "of `loadtest_run_info` alone"),
        ("quantile", "of a summary's quantiles"),
        ("le", "of a histogram's buckets: the upper bound, as Prometheus writes it"),
    )
)

COLUMNS: tuple[Column, ...] = (
    Column("time_unix_s", "f64", "s", "when the values were taken, since 1970"),
    Column(
        "name", "str", "", "the metric as a query names it: `…_bucket`, `…_sum` and `…_count` are names of their own"
    ),
    Column("value", "f64", "as the metric", "the value; null where it is NaN"),
    *LABEL_COLUMNS,
)
