"""Snapshots in OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.

64-bit integers are text there, enumerations are numbers, NaN has no place: what is not known is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from raysim.core.metrics.family import Family, Kind
from raysim.core.metrics.gen_ai import GEN_AI_NAMES, GenAiName
from raysim.core.metrics.snapshot import FamilyValues, MetricsSnapshot, Point, Spread

_CUMULATIVE = 2
_NS = 1_000_000_000
#: units in UCUM. Rates have none: a collector would add them to names that end with them already
_UNITS = {"s": "s", "bytes": "By", "ratio": "1", "tokens": "{token}", "USD": "{USD}"}

_Attributes = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OtlpOrigin:
    """Who sends: raysim's version, the run, the kind of platform, what users ask of models (empty for several things).

    All counts are since `start_unix_s`.
    """

    version: str
    run_id: str
    platform: str
    operation: str
    start_unix_s: float


def otlp_request(snapshot: MetricsSnapshot, origin: OtlpOrigin) -> dict[str, Any]:
    """The body of an export of `snapshot`: an ExportMetricsServiceRequest."""
    times = {"startTimeUnixNano": _nanos(origin.start_unix_s), "timeUnixNano": _nanos(snapshot.unix_s)}
    resource = (
        ("service.name", "raysim"),
        ("service.version", origin.version),
        ("service.instance.id", origin.run_id),
    )
    scope = {"name": "raysim", "version": origin.version}
    metrics = list(_metrics(snapshot, origin, times))
    return {
        "resourceMetrics": [
            {"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [{"scope": scope, "metrics": metrics}]}
        ]
    }


def _metrics(snapshot: MetricsSnapshot, origin: OtlpOrigin, times: dict[str, str]) -> Iterator[dict[str, Any]]:
    gen_ai: dict[str, dict[str, Any]] = {}
    common = (
        ("gen_ai.provider.name", origin.platform),
        ("gen_ai.operation.name", origin.operation),
        *snapshot.constants,
    )
    for values in snapshot.families:
        yield from _metric(values, values.family.name, values.family.labels, snapshot.constants, times)
    for values in (*snapshot.families, *snapshot.operations):
        for also in GEN_AI_NAMES.get(values.family.name, ()):
            for metric in _metric(values, also.name, _conventional(values.family), (*also.attributes, *common), times):
                _join(gen_ai, also, metric)
    yield from gen_ai.values()


def _join(found: dict[str, dict[str, Any]], also: GenAiName, metric: dict[str, Any]) -> None:
    """A metric is there once by name: input and output tokens are points of the same one."""
    if also.name in found:
        found[also.name]["histogram"]["dataPoints"] += metric["histogram"]["dataPoints"]
    else:
        found[also.name] = metric | {"description": metric["description"] if not also.attributes else "tokens used"}


def _conventional(family: Family) -> tuple[str, ...]:
    return tuple("gen_ai.request.model" if label == "model" else label for label in family.labels)


def _metric(
    values: FamilyValues, name: str, labels: tuple[str, ...], more: _Attributes, times: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """The metric, unless nothing of it is known."""
    family = values.family
    points = []
    for series in values.series:
        given = (*zip(labels, series.labels, strict=True), *more)
        value = _point(series) if isinstance(series, Point) else _spread(family, series)
        if value is not None:
            points.append({"attributes": _attributes(given), **times, **value})
    if points:
        data: dict[str, Any] = {"dataPoints": points}
        unit = _UNITS.get(family.unit, "")
        yield {"name": name, "description": family.help, "unit": unit, **_data(family.kind, data)}


def _data(kind: Kind, data: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case Kind.COUNTER:
            return {"sum": data | {"aggregationTemporality": _CUMULATIVE, "isMonotonic": True}}
        case Kind.HISTOGRAM:
            return {"histogram": data | {"aggregationTemporality": _CUMULATIVE}}
        case Kind.SUMMARY:
            return {"summary": data}
        case _:
            return {"gauge": data}


def _point(series: Point) -> dict[str, Any] | None:
    return {"asDouble": float(series.value)} if math.isfinite(series.value) else None


def _spread(family: Family, series: Spread) -> dict[str, Any]:
    value: dict[str, Any] = {"count": str(series.count), "sum": float(series.sum)}
    if family.kind is Kind.HISTOGRAM:
        counts = (after - before for before, after in pairwise((0, *series.parts, series.count)))
        return value | {"bucketCounts": [str(int(count)) for count in counts], "explicitBounds": list(family.bounds)}
    known = [
        {"quantile": share, "value": part}
        for share, part in zip(family.shares, series.parts, strict=True)
        if math.isfinite(part)
    ]
    return value | {"quantileValues": known}


def _attributes(pairs: _Attributes) -> list[dict[str, Any]]:
    """An empty value is the same as none."""
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs if value]


def _nanos(unix_s: float) -> str:
    return str(round(unix_s * _NS))
