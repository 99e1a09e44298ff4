"""Expressions that many panels have in common."""

from __future__ import annotations

from raysim.dashboards.dashboard import ALL

#: over this span rates are taken; Grafana makes it at least four scrapes long
_SPAN = "$__rate_interval"


def per_second(name: str, by: str, where: str = ALL) -> str:
    """How fast a counter grows, of all series with the labels `by` in common together."""
    return f"sum by ({by}) (rate({name}{{{where}}}[{_SPAN}]))"


def quantile(share: float, histogram: str, by: str, where: str = ALL) -> str:
    """A quantile of what was observed lately, of all series with the labels `by` in common together."""
    return f"histogram_quantile({share:g}, {per_second(f'{histogram}_bucket', f'le, {by}', where)})"


def quantile_so_far(share: float, histogram: str, by: str, where: str = ALL) -> str:
    """A quantile of the whole run so far."""
    return f"histogram_quantile({share:g}, sum by (le, {by}) ({histogram}_bucket{{{where}}}))"


def mean(family: str, by: str, where: str = ALL) -> str:
    """The mean of what was observed lately, from the sums and counts of a histogram or summary."""
    return f"{per_second(f'{family}_sum', by, where)} / {per_second(f'{family}_count', by, where)}"


def mean_so_far(family: str, by: str, where: str = ALL) -> str:
    """The mean of the whole run so far."""
    return f"sum by ({by}) ({family}_sum{{{where}}}) / sum by ({by}) ({family}_count{{{where}}})"
