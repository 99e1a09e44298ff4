"""`raysim cleanup` from a run's directory alone: what it removes, what it leaves alone, what it says."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import httpx
import orjson
import pytest
import yaml
from click.testing import CliRunner

from raysim.cleanup.cleaner import Cleaner
from raysim.cleanup.left_run import find_run, read_run
from raysim.cleanup.sweep import sweep
from raysim.cli.main import cli
from raysim.config_file import load_scenario
from raysim.core.errors import ConfigError, PreflightError, RaysimError
from raysim.core.plan.run_plan import UserPlan
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.tenancy.bootstrap import intended_user
from raysim.tenancy.ledger import Resource
from raysim.tenancy.liveness import LifeMark
from raysim.tenancy.port import TenantPlatform
from tests.component.simplatform.tenant import fast_config
from tests.component.tenancy.test_litellm import MASTER, adapter

USER = UserPlan(0, 1, "org-1", 1, "user-1", "user-1+abc@loadtest.invalid", "gpt-4o", 7)
ENVIRON = {"THE_TOKEN": MASTER}
HOUR_S = 3600.0


@pytest.fixture
async def proxy() -> AsyncIterator[RunningPlatform]:
    running = await start_platform(fast_config(mode="litellm"), "127.0.0.1", admin_token=MASTER)
    yield running
    await running.close()


def scenario_for(url: str, platform: str = "litellm") -> dict[str, Any]:
    targets: dict[str, Any] = {"platform": platform}
    if platform != "embedded":
        targets |= {"apiRouterUrl": url}
    if platform == "litellm":
        targets |= {"auth": {"tokenEnv": "THE_TOKEN"}}
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "left"},
        "spec": {"targets": targets, "cleanup": {"timeout": "10s"}},
    }


def write_run(root: Path, document: dict[str, Any], resources: list[Resource], run_id: str = "run-1") -> Path:
    root.mkdir(parents=True)
    (root / "scenario.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (root / "plan.json").write_bytes(orjson.dumps({"run_id": run_id}))
    lines = [orjson.dumps({"time": 1.0, **asdict(resource)}) for resource in resources]
    (root / "resources.jsonl").write_bytes(b"\n".join(lines) + b'\n{"time": 2.0, "kind": "ke')
    return root


async def make(platform: TenantPlatform, team: str = "org-1-abc") -> list[Resource]:
    """A team, a user and a key on the proxy; the key's line is missing as if the run had been killed before it."""
    await platform.create_org("org-1", team, None)
    await platform.create_user(team, USER.name, USER.email)
    await platform.create_key(team, USER.email, "raysim run-1 user-1", 1)
    return [
        Resource("org", team, team, "org-1", team),
        Resource("user", USER.email, team, USER.name, USER.email),
        intended_user(USER, team, ("raysim run-1 user-1",))[1],
    ]


async def active(proxy: RunningPlatform) -> tuple[int, int, int]:
    async with httpx.AsyncClient() as client:
        total = (await client.get(f"{proxy.url}/sim/ledger")).json()["total"]
    return total["keys"]["active"], total["users"]["active"], total["orgs"]["active"]


@dataclass
class Told:
    """What was said."""

    lines: list[str]

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


async def test_a_run_is_finished_and_the_second_time_there_is_nothing_to_do(
    proxy: RunningPlatform, tmp_path: Path
) -> None:
    platform, told = adapter(proxy.url), Told([])
    root = write_run(tmp_path / "left", scenario_for(proxy.url), await make(platform))
    platform.close()
    assert await active(proxy) == (1, 1, 1)
    outcome = await Cleaner(ENVIRON, told).clean(read_run(root))
    assert await active(proxy) == (0, 0, 0)
    assert (outcome.counts, outcome.remaining) == ({"deleted": 2, "gone": 1}, ())
    assert "1 org, 1 user, 1 key to remove" in told.text
    lines = [orjson.loads(line) for line in (root / "resources.jsonl").read_bytes().splitlines() if b"}" in line]
    assert [line["fate"] for line in lines[-3:]] == ["deleted", "deleted", "gone"]
    assert orjson.loads((root / "events.jsonl").read_bytes())["kind"] == "cleaned_up"
    assert not (root / "alive").exists()
    again = await Cleaner(ENVIRON, told).clean(read_run(root))
    assert (again.counts, told.lines[-1]) == ({}, "run-1: nothing to do")


async def test_a_run_that_goes_on_is_left_alone_unless_forced(proxy: RunningPlatform, tmp_path: Path) -> None:
    platform = adapter(proxy.url)
    root = write_run(tmp_path / "left", scenario_for(proxy.url), await make(platform))
    platform.close()
    mark = LifeMark(root)
    with pytest.raises(PreflightError, match=f"run-1 is looked after by process {os.getpid()}"):
        await Cleaner(ENVIRON, Told([])).clean(read_run(root))
    assert await active(proxy) == (1, 1, 1)
    outcome = await Cleaner(ENVIRON, Told([]), force=True).clean(read_run(root))
    assert outcome.remaining == ()
    mark.release()


@pytest.mark.parametrize("environ", [{}, {"THE_TOKEN": "wrong"}])
async def test_without_the_credential_nothing_is_changed(
    proxy: RunningPlatform, tmp_path: Path, environ: dict[str, str]
) -> None:
    platform = adapter(proxy.url)
    root = write_run(tmp_path / "left", scenario_for(proxy.url), await make(platform))
    platform.close()
    before = (root / "resources.jsonl").read_bytes()
    with pytest.raises(PreflightError, match=r"(THE_TOKEN is not set|401) .*; nothing was changed"):
        await Cleaner(environ, Told([])).clean(read_run(root))
    assert (root / "resources.jsonl").read_bytes().startswith(before)
    assert len(read_run(root).ledger.owed()) == 3


async def test_a_sweep_takes_what_is_old_and_on_this_platform(proxy: RunningPlatform, tmp_path: Path) -> None:
    platform, told = adapter(proxy.url), Told([])
    old = write_run(tmp_path / "old", scenario_for(proxy.url), await make(platform))
    young = write_run(tmp_path / "young", scenario_for(proxy.url), [Resource("org", "x", "x", "x")], "run-2")
    elsewhere = write_run(
        tmp_path / "other", scenario_for("http://127.0.0.1:9"), [Resource("org", "y", "y", "y")], "r3"
    )
    kept = [Resource("org", "z", "z", "z", fate="retained")]
    retained = write_run(tmp_path / "retained", scenario_for(proxy.url), kept, "run-4")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "resources.jsonl").touch()
    for root in (old, elsewhere, retained):
        for path in root.iterdir():
            os.utime(path, (time.time() - 2 * HOUR_S,) * 2)
    platform.close()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(scenario_for(proxy.url)), encoding="utf-8")
    scenario = load_scenario(tmp_path / "config.yaml").scenario
    outcomes = await sweep(Cleaner(ENVIRON, told), scenario, tmp_path, HOUR_S, told)
    assert [outcome.run_id for outcome in outcomes] == ["run-1"]
    assert await active(proxy) == (0, 0, 0)
    assert "run-2: passed over: it wrote to its directory 0 s ago" in told.text
    assert "r3: passed over: it belongs to another platform" in told.text
    assert "run-4: retained on purpose" in told.text
    assert "torn: passed over" in told.text
    assert len(read_run(young).ledger.owed()) == 1


async def test_a_sweep_takes_what_the_platform_lists_once_it_is_old(proxy: RunningPlatform, tmp_path: Path) -> None:
    platform, told = adapter(proxy.url, "run-9"), Told([])
    await make(platform)
    async with httpx.AsyncClient(base_url=proxy.url, headers={"Authorization": f"Bearer {MASTER}"}) as client:
        await client.post("/team/new", json={"team_id": "theirs", "team_alias": "not made by a run"})
    platform.close()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(scenario_for(proxy.url)), encoding="utf-8")
    scenario = load_scenario(tmp_path / "config.yaml").scenario
    cleaner = Cleaner(ENVIRON, told)
    assert await cleaner.clean_tagged(scenario, HOUR_S, set()) == []
    assert await cleaner.clean_tagged(scenario, -HOUR_S, {"run-9"}) == []
    (outcome,) = await cleaner.clean_tagged(scenario, -HOUR_S, set())
    assert (outcome.run_id, outcome.counts, outcome.remaining) == ("run-9", {"revoked": 1, "deleted": 2}, ())
    assert await active(proxy) == (0, 0, 1), "what no run made stays"


@pytest.mark.parametrize(("platform", "why"), [("embedded", "ended with it"), ("static", "no tenants")])
def test_platforms_where_nothing_stays(tmp_path: Path, platform: str, why: str) -> None:
    write_run(tmp_path / "left", scenario_for("http://127.0.0.1:9", platform), [Resource("org", "o", "o", "org-1")])
    ended = CliRunner().invoke(cli, ["cleanup", "left", "--out", str(tmp_path)], standalone_mode=False)
    assert ended.return_value == 0
    assert "run-1: nothing to do" in ended.output
    assert why in ended.output


def test_what_remains_gives_status_8_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unasked(self: object, call: object) -> None:
        del self, call

    monkeypatch.setenv("THE_TOKEN", "any")
    monkeypatch.setattr(Cleaner, "_asked", unasked)
    document = scenario_for("http://127.0.0.1:9")
    document["spec"]["cleanup"]["timeout"] = "1ms"
    write_run(tmp_path / "left", document, [Resource("org", "o", "o", "org-1")])
    ended = CliRunner().invoke(cli, ["cleanup", "left", "--out", str(tmp_path)], standalone_mode=False)
    assert ended.return_value == 8
    assert "run-1: 1 remaining" in ended.output
    assert f"raysim cleanup left --out {tmp_path}" in ended.output


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"no directory no-such-run and no {tmp_path}/no-such-run; give a run's"):
        find_run("no-such-run", tmp_path)
    with pytest.raises(ConfigError, match="no directory /no/such/run; give"):
        find_run("/no/such/run", tmp_path)
    with pytest.raises(ConfigError, match=r"it holds no scenario\.yaml"):
        read_run(tmp_path)
    with pytest.raises(RaysimError, match="found 'soon'"):
        CliRunner().invoke(cli, ["cleanup", "x", "--older-than", "soon"], standalone_mode=False, catch_exceptions=False)
    with pytest.raises(click.UsageError):
        CliRunner().invoke(cli, ["cleanup"], standalone_mode=False, catch_exceptions=False)
