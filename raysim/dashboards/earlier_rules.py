"""Rules that record names of the earlier harness. Pure.

Recorded are names that raysim does not export itself. Those that both have in common are left alone: a rule of the same
name would count everything twice for whoever does not select by label.
"""

from __future__ import annotations

from raysim.core.metrics.family import Kind
from raysim.core.metrics.registry import family, family_of
from raysim.dashboards.earlier import LABELS, NAMES, As, Earlier
from raysim.dashboards.rule import Record, RuleGroup


def records(earlier: Earlier) -> tuple[Record, ...]:
    """The rules that record an earlier name: one, or one for each exported series of a histogram or summary."""
    if earlier.had is not As.RECORDED:
        return ()
    found = family(earlier.here)
    if found.kind is Kind.HISTOGRAM:
        steps = [*found.bounds, float("inf")]
        buckets = [_bucket(earlier, f"{found.name}_bucket", bound) for bound in steps]
        return (*buckets, _record(earlier, "_sum", earlier.factor), _record(earlier, "_count"))
    if found.kind is Kind.SUMMARY and not earlier.picked:
        return (
            _record(earlier, "", earlier.factor),
            _record(earlier, "_sum", earlier.factor),
            _record(earlier, "_count"),
        )
    return (_record(earlier, "", earlier.factor),)


def _record(earlier: Earlier, suffix: str, factor: int = 1) -> Record:
    name = f"{earlier.here}{suffix}"
    series = f"{name}{{{earlier.picked}}}" if earlier.picked else name
    times = f" * {factor}" if factor != 1 else ""
    fixed = dict(earlier.fixed)
    expr, carries = _renamed(earlier, name, f"{series}{times}")
    return Record(f"{earlier.name}{suffix}", expr, carries | frozenset(fixed), fixed)


def _bucket(earlier: Earlier, name: str, bound: float) -> Record:
    """One bucket: bounds are labels, so that nothing can multiply them."""
    # some versions of Prometheus write a whole number with .0, and some without
    spelt = (
        r"\\+Inf"
        if bound == float("inf")
        else f"{bound:g}".replace(".", r"\\.") + (r"(\\.0)?" if bound % 1 == 0 else "")
    )
    step = "+Inf" if bound == float("inf") else f"{bound * earlier.factor:g}"
    expr, carries = _renamed(earlier, name, f'{name}{{le=~"{spelt}"}}')
    return Record(f"{earlier.name}_bucket", expr, carries, {"le": step})


def _renamed(earlier: Earlier, name: str, expr: str) -> tuple[str, frozenset[str]]:
    """The expression with the earlier labels beside raysim's, and all of these."""
    exported = family_of(name)
    labels = exported.labels_of(name) if exported is not None else frozenset()
    renamed = [(label, was) for label, was in (*LABELS.items(), *earlier.labels) if label in labels]
    for label, was in renamed:
        expr = f'label_replace({expr}, "{was}", "$1", "{label}", "(.+)")'
    return expr, labels | frozenset(was for _, was in renamed)


EARLIER = tuple(
    RuleGroup(f"raysim-earlier-{number}", tuple(record for earlier in names for record in records(earlier)))
    for number, names in enumerate(NAMES.values(), 1)
    if any(records(earlier) for earlier in names)
)
