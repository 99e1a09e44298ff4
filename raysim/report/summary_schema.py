"""The JSON Schema of `summary.json`, for programs; docs/results.md describes it for people."""

from __future__ import annotations

from typing import Any

from raysim.report.facts import RunStatus

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number"}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_OPEN: Schema = {"type": "object"}
#: described where the pages say, and not here
_MAPPINGS: Schema = {"type": "array", "items": {"type": "object"}}
_COUNTS: Schema = {"type": "array", "items": _COUNT}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def summary_schema() -> Schema:
    """The schema. Keys that are named are there in every summary of this `schema_version`; more may come."""
    return {
        "$schema": _DIALECT,
        "$defs": _shared(),
        "title": "raysim summary",
        "description": "A run's summary.json. Times in seconds, money in USD, shares from 0 to 1; null: not known.",
        **_object(
            schema_version={"const": 1},
            run_id=_TEXT,
            scenario=_TEXT,
            seed={"type": "integer"},
            status={"enum": [str(status) for status in RunStatus]},
            stop_reason=_TEXT,
            stop_message=_TEXT,
            started_at=_NUMBER,
            duration_s=_NUMBER,
            users=_object(planned=_COUNT, bootstrapped=_COUNT, lost=_COUNT, replaced=_COUNT, lost_users=_MAPPINGS),
            losses=_object(
                requests_unrecorded=_object(min=_COUNT, max=_maybe(_COUNT)),
                users=_TEXTS,
                seconds_affected=_NUMBER,
                sentence=_maybe(_TEXT),
                processes=_MAPPINGS,
            ),
            **_figures(
                requests=_requests(unsent=_COUNT, arrivals_due=_maybe(_COUNT)),
                cost=_cost(
                    reserved_unsettled_usd=_NUMBER,
                    limit_usd=_maybe(_NUMBER),
                    overspend_usd=_maybe(_NUMBER),
                    utilisation=_maybe(_NUMBER),
                    short_from_s=_maybe(_NUMBER),
                ),
            ),
            errors=_list(kind=_TEXT, outcome=_TEXT, count=_COUNT, http_statuses=_COUNTS, sample=_TEXT),
            schedule=_maybe(
                _object(
                    mean_users=_NUMBER, largest_users={"type": "integer"}, largest_lasting_users={"type": "integer"}
                )
            ),
            tenants=_list(org_id=_TEXT, users=_COUNT, **_figures(cost=_cost(budget_usd=_maybe(_NUMBER)))),
            models=_list(model=_TEXT, **_figures(), tps_per_usd=_maybe(_NUMBER), tps_efficiency=_maybe(_NUMBER)),
            endpoints=_list(endpoint=_TEXT, **_figures()),
            phases=_list(
                name=_TEXT,
                kind=_TEXT,
                excluded=_FLAG,
                start_s=_NUMBER,
                planned_s=_NUMBER,
                ran_s=_NUMBER,
                target_users=_COUNT,
                target_mean_users=_maybe(_NUMBER),
                achieved_mean_users=_maybe(_NUMBER),
                **_figures(),
            ),
            questions=_object(asked=_COUNT, unique=_COUNT, uniqueness=_maybe(_SHARE), repeated_on_purpose=_FLAG),
            prompts=_OPEN,
            think_time=_OPEN,
            bootstrap=_object(
                **dict.fromkeys(("mean_s", "p50_s", "p95_s", "max_s"), _maybe(_NUMBER)), success_rate=_maybe(_SHARE)
            ),
            cleanup=_maybe(
                _object(
                    status=_TEXT,
                    duration_s=_maybe(_NUMBER),
                    **dict.fromkeys(("deleted", "suspended", "revoked", "retained", "remaining", "gone"), _COUNT),
                    command=_TEXT,
                )
            ),
            isolation=_maybe(_OPEN),
            billing=_OPEN,
            metrics=_maybe(_OPEN),
            links=_MAPPINGS,
            load_generator=_object(
                verdict={"enum": ["ok", "suspect", "invalid", "unknown"]},
                reasons=_TEXTS,
                flagged_share=_maybe(_SHARE),
                **dict.fromkeys(("loop_lag_p99_ms", "send_lag_p99_ms", "cpu", "memory_mib"), _maybe(_NUMBER)),
                actors=_COUNT,
            ),
            reloads=_MAPPINGS,
            findings=_MAPPINGS,
            backends=_MAPPINGS,
            diagnosis=_maybe(_OPEN),
            records_lost_estimate=_COUNT,
            thresholds=_list(
                expression=_TEXT,
                scope=_OPEN,
                figure=_TEXT,
                comparison={"enum": ["<", "<=", ">", ">="]},
                limit=_NUMBER,
                value=_maybe(_NUMBER),
                unit=_TEXT,
                samples=_COUNT,
                held=_FLAG,
                verdict={"enum": ["held", "failed", "no data"]},
            ),
            export=_maybe(_OPEN),
            log_export=_maybe(_OPEN),
            notes=_TEXTS,
            definitions={"type": "object", "additionalProperties": {"type": "string"}},
        ),
    }


def _object(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _list(**fields: Schema) -> Schema:
    return {"type": "array", "items": _object(**fields)}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _requests(**more: Schema) -> Schema:
    counts = ("total", "success", "error", "refused", "cancelled", "headline")
    by_error = {"type": "object", "additionalProperties": _COUNT}
    return _object(**dict.fromkeys(counts, _COUNT), by_error=by_error, **more)


def _cost(**more: Schema) -> Schema:
    counted = dict.fromkeys(("usd", "unverified_usd", "billed_beyond_reservation_usd"), _NUMBER)
    return _object(**counted, usd_per_million_tokens=_maybe(_NUMBER), **more)


def _figures(**instead: Schema) -> dict[str, Schema]:
    """What a run, a tenant, a model, an endpoint and a phase have alike."""
    times = ("latency", "response_time", "ttft", "tpot", "itl", "queue", "held")
    return {
        "requests": _requests(),
        "error_rate": _maybe(_SHARE),
        "tokens": {"$ref": "#/$defs/tokens"},
        "cost": _cost(),
        "throughput": {"$ref": "#/$defs/throughput"},
        "goodput": _maybe(_OPEN),
        **{name: {"$ref": "#/$defs/seconds"} for name in times},
        "tps": {"$ref": "#/$defs/rate"},
        **instead,
    }


def _shared() -> dict[str, Schema]:
    return {
        "seconds": _statistics("s"),
        "rate": _statistics("1/s"),
        "tokens": _object(
            prompt=_COUNT,
            completion=_COUNT,
            source={"enum": [None, "usage", "tokenizer", "chunks", "estimate", "mixed"]},
        ),
        "throughput": _object(
            **dict.fromkeys(("requests_per_s", "output_tokens_per_s", "over_s"), _maybe(_NUMBER)),
            **dict.fromkeys(("success", "error", "prompt_tokens", "completion_tokens"), _COUNT),
        ),
    }


def _statistics(unit: str) -> Schema:
    names = ("mean", "p50", "p75", "p90", "p95", "p99", "max", "min")
    ends = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
    return _object(**dict.fromkeys(names, _maybe(_NUMBER)), mean_ci95=_maybe(ends), count=_COUNT, unit={"const": unit})
