"""A mounted ConfigMap that changes while its run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import wait_for
from tests.unit.test_config_watch import Mount

pytestmark = pytest.mark.ray


def text(spec: dict[str, Any]) -> str:
    head = {"apiVersion": "loadtest.ai-aas.dev/v1", "kind": "LoadTestScenario", "metadata": {"name": "test"}}
    return yaml.safe_dump({**head, "spec": spec})


class MountedRunner(Runner):
    """Starts runs of a mounted ConfigMap's directory."""

    mount: Mount

    def scenario(self, spec: dict[str, Any]) -> Path:
        self.mount = Mount(self.folder / "mount", text(spec))
        return self.mount.root


def test_limits_pace_and_phases_follow_and_the_rest_is_refused(runner: Runner, platform: Platform) -> None:
    mounted = MountedRunner(runner.address, runner.folder)
    first, second = {"name": "first", "duration": "6s"}, {"name": "second", "duration": "60s"}
    spec = short_load(platform, users=1, limits={"maxCostUsd": 1}, loadPattern={"phases": [first, second]})
    spec["userBehavior"]["thinkTimeSeconds"] = {"base": 0.2}
    process = mounted.start(spec, "reloaded", "--set", "limits.maxErrorRate=0.5")
    events = runner.folder / "results" / "reloaded" / "events.jsonl"
    wait_for(events, '"kind":"phase"')
    changed = {
        **spec,
        "organizations": {"count": 3},
        "limits": {"maxCostUsd": 2, "maxErrorRate": 0.1},
        "userBehavior": {**spec["userBehavior"], "thinkTimeSeconds": {"base": 0.05}},
        "loadPattern": {"phases": [first, {**second, "name": "short", "duration": "1s", "targetActiveUsers": 1}]},
    }
    mounted.mount.publish(text(changed))
    wait_for(events, '"kind":"reload_applied"')
    mounted.mount.publish("nothing that could be read")
    run = runner.finish(process, "reloaded")
    assert run.exit_code in (0, 7), run.output
    (applied,) = run.events("reload_applied")
    assert {change["path"]: (change["old"], change["new"]) for change in applied["detail"]["changes"]} == {
        "spec.limits.maxCostUsd": ("1", "2"),
        "spec.userBehavior.thinkTimeSeconds.base": ("0.2", "0.05"),
        "spec.loadPattern.phases[1].name": ("second", "short"),
        "spec.loadPattern.phases[1].duration": ("1m", "1s"),
        "spec.loadPattern.phases[1].targetActiveUsers": ("null", "1"),
    }
    refused = [problem for event in run.events("reload_refused") for problem in event["detail"]["problems"]]
    assert refused[0].startswith("spec.organizations.count: cannot change during a run")
    assert "found a single value" in refused[1]
    assert "reloaded: spec.limits.maxCostUsd: 1 → 2" in run.output
    assert "not reloaded: spec.organizations.count" in run.output
    summary = run.summary
    assert 7.0 <= summary["duration_s"] < 30
    assert [phase["name"] for phase in summary["phases"]] == ["first", "short"]
    assert [len(entry["applied"]) for entry in summary["reloads"]] == [5, 0]
    assert (summary["cost"]["limit_usd"], summary["stop_reason"]) == (2, "completed")
    # the plan is what was planned, and packs think as they are told now
    assert [phase["name"] for phase in run.json("plan.json")["schedule"]["phases"]] == ["first", "second"]
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    assert set(rows["phase"]) == {"first", "short"}
    assert {0.05, 0.2} == set(rows["think_next_s"].drop_nulls())
