"""`summary.json`: everything a run amounts to, computed exactly from its records."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from raysim.core.records.outcome import ErrorKind
from raysim.report import groups
from raysim.report.accounts import billing, left_note, quota
from raysim.report.backends import backend_parts
from raysim.report.course import timed
from raysim.report.credibility import generator_verdict, load_generator, notes
from raysim.report.facts import RunFacts
from raysim.report.figures import errors_by_kind, figures
from raysim.report.isolation import isolation
from raysim.report.limits import limit_figures, schedule_error
from raysim.report.links import prometheus_links
from raysim.report.losses import losses, most_charged, unrecorded
from raysim.report.measured import DEFINITIONS, Measured
from raysim.report.prompts import prompts
from raysim.report.reloads import reloads
from raysim.report.think_time import think_time
from raysim.report.thresholds import thresholds

#: raised when a key of the summary changes its meaning
SUMMARY_VERSION = 1


def summarise(requests: pl.LazyFrame, facts: RunFacts) -> dict[str, Any]:
    """The summary of a run, ready to be written as JSON. Works on a run without requests.

    `requests`, `tokens` and `cost` count every row; times, rates and the generator's verdict only those due in phases
    that are not excluded (`requests.headline` of them). Times in seconds, money in USD, shares 0 to 1; null is "not
    known" or "nothing to measure", never 0.
    """
    lost = unrecorded(requests, facts)
    tenants_rows = timed(requests, facts)
    cuts = quota(tenants_rows, facts)
    bill, bills = billing(tenants_rows, facts, most_charged(lost, tenants_rows, facts))
    felt, left = isolation(tenants_rows, facts), left_note(tenants_rows)
    # a million of them take as much memory as those that come next
    del tenants_rows
    measured = Measured.of(requests, facts.plan.slo)
    headline = measured.headline()
    run = figures(measured, headline, groups.headline_s(facts))
    run["cost"] |= limit_figures(measured.rows, run["cost"], facts)
    run["requests"]["unsent"] = facts.unsent
    run["requests"]["arrivals_due"] = facts.arrivals_due
    return {
        "schema_version": SUMMARY_VERSION,
        "run_id": facts.plan.run_id,
        "scenario": facts.plan.scenario,
        "seed": facts.plan.seed,
        "status": str(facts.status),
        "stop_reason": facts.stop_reason,
        "stop_message": facts.stop_message,
        "started_at": facts.started_at,
        "duration_s": facts.duration_s,
        "users": _users(facts),
        "losses": losses(lost, facts),
        **run,
        "errors": _errors(requests, measured),
        "schedule": schedule_error(facts),
        "tenants": [
            {**entry, "quota": cuts.get(entry["org_id"]), "billing": bills.get(entry["org_id"])}
            for entry in groups.tenants(measured, facts)
        ],
        "models": groups.models(measured, facts),
        "endpoints": groups.endpoints(measured, facts),
        "phases": groups.phases(measured, facts),
        "questions": _questions(measured.rows, facts),
        "prompts": prompts(measured.rows, facts),
        "think_time": think_time(measured.rows, facts),
        "bootstrap": _bootstrap(facts),
        "cleanup": _cleanup(facts),
        "isolation": felt,
        "billing": bill,
        "metrics": _metrics(facts),
        "links": _links(facts),
        "load_generator": load_generator(headline, facts),
        "reloads": reloads(facts),
        **backend_parts(requests, facts, generator_verdict(headline, facts)),
        "records_lost_estimate": facts.records_lost_estimate,
        "thresholds": thresholds(requests, facts, run),
        "export": None,
        "log_export": None,
        "notes": [*notes(measured, facts), *filter(None, [left])],
        "definitions": dict(DEFINITIONS),
    }


def _users(facts: RunFacts) -> dict[str, Any]:
    return {
        "planned": len(facts.plan.users),
        "bootstrapped": len(facts.bootstrap_s),
        "lost": sum(user.back_run_s is None for user in facts.lost),
        "replaced": sum(user.back_run_s is not None for user in facts.lost),
        "lost_users": [
            {
                "user_id": user.name,
                "at_s": user.at_run_s,
                "heard_s": user.heard_run_s,
                "back_s": user.back_run_s,
                "why": user.why,
            }
            for user in facts.lost
        ],
    }


def _errors(requests: pl.LazyFrame, measured: Measured) -> list[dict[str, Any]]:
    """One entry a kind that occurred, most frequent first, with the detail of its first occurrence that has one."""
    details = pl.col("error_detail").filter(pl.col("error_detail") != "")
    samples = (
        requests.filter(pl.col("error_type") != "")
        .sort("due_unix_ns")
        .group_by("error_type")
        .agg(details.first(), pl.col("http_status").drop_nulls().unique().sort().alias("statuses"))
        .collect()
    )
    found = {kind: (detail, statuses) for kind, detail, statuses in samples.iter_rows()}
    return [
        {
            "kind": kind,
            "outcome": str(ErrorKind(kind).outcome),
            "count": count,
            "http_statuses": found[kind][1],
            "sample": found[kind][0] or "",
        }
        for kind, count in errors_by_kind(measured.rows).items()
    ]


def _questions(rows: pl.DataFrame, facts: RunFacts) -> dict[str, Any]:
    asked = rows.filter(pl.col("question_hash") != 0)["question_hash"]
    unique = asked.n_unique()
    return {
        "asked": asked.len(),
        "unique": unique,
        "uniqueness": unique / asked.len() if asked.len() else None,
        "repeated_on_purpose": facts.plan.behaviour.prompts.cache == "repeat",
    }


def _bootstrap(facts: RunFacts) -> dict[str, float | None]:
    times = np.array(facts.bootstrap_s)
    planned = len(facts.plan.users)
    known = times.size > 0
    return {
        "mean_s": float(times.mean()) if known else None,
        "p50_s": float(np.quantile(times, 0.5)) if known else None,
        "p95_s": float(np.quantile(times, 0.95)) if known else None,
        "max_s": float(times.max()) if known else None,
        "success_rate": times.size / planned if planned else None,
    }


def _metrics(facts: RunFacts) -> dict[str, Any] | None:
    """How the export of metrics went; null when nothing was to be exported and nothing went wrong."""
    if not facts.plan.metrics.exports and not any(each.trouble or each.dropped for each in facts.exports):
        return None
    return {
        "pushed": sum(each.sent for each in facts.exports),
        "dropped": sum(each.dropped for each in facts.exports),
        "trouble": next((each.trouble for each in facts.exports if each.trouble), ""),
    }


def _links(facts: RunFacts) -> list[dict[str, str]]:
    plan = facts.plan
    return prometheus_links(plan.metrics.prometheus_url, plan.run_id, facts.started_at, facts.duration_s)


def _cleanup(facts: RunFacts) -> dict[str, Any]:
    done = facts.cleanup
    return {
        "status": done.status,
        "duration_s": done.duration_s,
        "deleted": done.deleted,
        "suspended": done.suspended,
        "revoked": done.revoked,
        "retained": done.retained,
        "remaining": done.remaining,
        "gone": done.gone,
        "command": done.command,
    }
