"""Summaries of earlier raysims of the same schema version, with the keys that came later.

A key that is new is not known of an older run: null, or empty where readers go through it. So whatever reads a summary
may rely on every key that `summarise` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STATISTICS = {
    **dict.fromkeys(("mean", "mean_ci95", "p50", "p75", "p90", "p95", "p99", "max", "min")),
    "count": 0,
    "unit": "s",
}
#: of the run, and of each group of its requests
_FIGURES: dict[str, Any] = {
    "cost": dict.fromkeys(("unverified_usd", "billed_beyond_reservation_usd")),
    "throughput": dict.fromkeys(("success", "error", "prompt_tokens", "completion_tokens")),
    "goodput": None,
    "held": _STATISTICS,
}
_SPREAD = dict.fromkeys(("mean", "p50", "p95"))
_THINK_TIMES = dict.fromkeys(("mean_s", "std_s", "min_s", "p50_s", "p95_s", "max_s"))
_LATER: dict[str, Any] = {
    **_FIGURES,
    "users": {"replaced": None},
    "losses": {"requests_unrecorded": {"min": None, "max": None}, "sentence": None, "users": [], "processes": []},
    "requests": dict.fromkeys(("unsent", "arrivals_due")),
    "cost": _FIGURES["cost"] | dict.fromkeys(("reserved_unsettled_usd", "utilisation", "short_from_s")),
    "schedule": dict.fromkeys(("mean_users", "largest_users", "largest_lasting_users")),
    "endpoints": [],
    "questions": {"repeated_on_purpose": False},
    "prompts": {
        "target": _SPREAD | {"count": 0},
        "counted": _SPREAD | {"count": 0},
        **dict.fromkeys(("met_share", "longer", "cached_tokens", "cached_share")),
    },
    "think_time": {
        **dict.fromkeys(("configured", "planned", "actual"), _THINK_TIMES),
        "within_10_percent": None,
        "statement": "not recorded",
        "lateness_ms": dict.fromkeys(("p50", "p99", "max")),
    },
    "cleanup": {"gone": None, "command": ""},
    "isolation": None,
    "billing": {"source": None, "reason": None, "verdict": None, "sentence": None, "total": None},
    "metrics": None,
    "links": [],
    "reloads": [],
    "findings": [],
    "backends": [],
    "diagnosis": {"sentence": "not looked for", "backends": 0, "readings": 0, "without_baseline": []},
    "thresholds": [],
    "export": None,
    "log_export": None,
}
_LATER_OF_EACH: dict[str, dict[str, Any]] = {
    "tenants": {**_FIGURES, "quota": None, "billing": None},
    "models": {**_FIGURES, "tps_efficiency": None},
    "phases": {**_FIGURES, "target_mean_users": None},
    "endpoints": _FIGURES,
}


def with_later_keys(summary: Mapping[str, Any]) -> dict[str, Any]:
    """`summary` with every key of this raysim's; what it says itself stays as it is."""
    whole = _filled(summary, _LATER)
    for name, later in _LATER_OF_EACH.items():
        whole[name] = [_filled(entry, later) for entry in whole.get(name, [])]
    users = whole["users"]
    users["lost_users"] = [{"heard_s": None, "back_s": None, **user} for user in users.get("lost_users", [])]
    return whole


def _filled(said: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """What was `said`, and of `later` what was not."""
    whole = dict(said)
    for key, value in later.items():
        if key not in whole:
            whole[key] = value
        elif isinstance(value, dict) and isinstance(whole[key], dict):
            whole[key] = _filled(whole[key], value)
    return whole
