"""A static platform on real Ray: somebody else's keys, used and never seen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import polars as pl
import pytest
import yaml

from tests.component.simplatform.tenant import Tenant, make_tenant
from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import files_holding

pytestmark = pytest.mark.ray


def tenants_of(platform: Platform, *slugs: str) -> list[Tenant]:
    async def make() -> list[Tenant]:
        headers = {"Authorization": f"Bearer {platform.admin_token}"}
        async with httpx.AsyncClient(base_url=platform.url, headers=headers) as admin:
            return [await make_tenant(admin, slug) for slug in slugs]

    return asyncio.run(make())


def static(url: str, key_file: Path) -> dict[str, object]:
    return {"platform": "static", "apiRouterUrl": url, "apiKeys": {"file": str(key_file)}}


def test_brought_keys_are_shared_used_and_never_seen(runner: Runner, platform: Platform, ray_logs: Path) -> None:
    tenants = tenants_of(platform, "acme", "umbrella")
    keys = [tenant.secret for tenant in tenants]
    key_file = runner.folder / "keys"
    key_file.write_text("\n".join(keys), encoding="utf-8")
    run = runner.run(
        short_load(seconds=4, users=2, targets=static(platform.url, key_file)),
        "static",
        *("--set", "advanced.debug=true", "--no-probe"),
    )
    key_file.unlink()
    assert run.exit_code in (0, 7), run.output
    summary, books = run.summary, platform.ledger()
    assert "4 users share 2 keys in turn" in run.output
    assert summary["requests"]["total"] == books["total"]["requests"]["total"] > 10
    assert summary["requests"]["success"] == summary["requests"]["total"]
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    assert set(rows["request_id"]) == {entry["request_id"] for entry in books["requests"]}
    served = {org["org_id"]: org["requests"]["total"] for org in books["orgs"]}
    assert min(served[tenant.org_id] for tenant in tenants) > 0
    # nothing was created, nothing was removed
    fates = ("deleted", "suspended", "revoked", "retained", "remaining")
    assert {fate: summary["cleanup"][fate] for fate in fates} == dict.fromkeys(fates, 0)
    assert summary["cleanup"]["status"] == "complete"
    assert not (run.directory / "resources.jsonl").exists() or run.lines("resources.jsonl") == []
    assert books["total"]["orgs"]["created"] == books["total"]["keys"]["active"] == 2
    assert not any(key in run.output for key in keys)
    assert files_holding(run.directory, keys) == []
    assert files_holding(ray_logs, keys) == []


def test_the_quick_form_without_its_key_fails_before_anything_is_asked(runner: Runner, platform: Platform) -> None:
    command = [
        *(sys.executable, "-m", "raysim", "run", "--url", f"{platform.url}/v1", "--model", "gpt-4o-mini"),
        *("--concurrency", "2", "--duration", "2s", "--api-key-env", "RAYSIM_TEST_NO_SUCH_VARIABLE"),
        *("--out", str(runner.folder / "results"), "--run-id", "quick", "--ui", "plain", "--address", runner.address),
    ]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=runner.folder, timeout=60, check=False
    )
    assert ended.returncode == 3, ended.stdout
    assert "RAYSIM_TEST_NO_SUCH_VARIABLE is not set where the coordinator runs" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert platform.ledger()["total"]["requests"]["total"] == 0
    scenario = yaml.safe_load((runner.folder / "results" / "quick" / "scenario.yaml").read_text(encoding="utf-8"))
    assert scenario["spec"]["targets"]["apiRouterUrl"] == platform.url
