"""The platform's books against what its clients were told."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from raysim.core.pricing import KNOWN_PRICES, cost_usd
from raysim.simplatform.config import Faults
from tests.component.simplatform.tenant import Tenant, ask, events, ledger, make_tenant

if TYPE_CHECKING:
    import httpx

    from tests.component.simplatform.conftest import Start

CHAT = "/v1/chat/completions"


async def request(admin: httpx.AsyncClient, tenant: Tenant, number: int) -> tuple[str, str, int, int]:
    """(tenant, model, prompt tokens, completion tokens) of one request, of one of four kinds."""
    model = ("gpt-4o", "gpt-4o-mini")[number % 2]
    question = [{"role": "user", "content": f"Question {number} of {tenant.slug}?"}]
    headers = tenant.auth | {"X-Request-ID": f"{tenant.slug}-{number}"}
    if number % 4 < 2:
        body = ask(model=model, messages=question, stream=True, stream_options={"include_usage": True})
        usage = events((await admin.post(CHAT, json=body, headers=headers)).text)[-1]["usage"]
    else:
        body = ask(model=model, messages=question)
        usage = (await admin.post(CHAT, json=body, headers=headers)).json()["usage"]
    return tenant.slug, model, usage["prompt_tokens"], usage["completion_tokens"]


async def test_tokens_and_dollars_equal_what_clients_saw(admin: httpx.AsyncClient) -> None:
    tenants = [await make_tenant(admin, slug) for slug in ("acme", "bolt")]
    began = time.time()
    seen = await asyncio.gather(*(request(admin, tenant, number) for number in range(24) for tenant in tenants))
    books = await ledger(admin)

    def totals(rows: list[tuple[str, str, int, int]]) -> tuple[int, int, Any]:
        usd = math.fsum(cost_usd(KNOWN_PRICES[model], prompt, output) for _, model, prompt, output in rows)
        return sum(r[2] for r in rows), sum(r[3] for r in rows), pytest.approx(usd, rel=1e-9)

    for account in (books["total"], *books["orgs"]):
        rows = [row for row in seen if account is books["total"] or row[0] == account["slug"]]
        assert account["requests"]["served"] == account["requests"]["total"] == len(rows)
        assert (account["prompt_tokens"], account["completion_tokens"], account["usd"]) == totals(rows)
    assert Counter(entry["org"] for entry in books["requests"]) == {"acme": 24, "bolt": 24}
    assert {e["request_id"] for e in books["requests"]} == {f"{t.slug}-{n}" for n in range(24) for t in tenants}
    for entry in books["requests"]:
        price = KNOWN_PRICES[entry["model"]]
        assert entry["usd"] == cost_usd(price, entry["prompt_tokens"], entry["completion_tokens"])
        assert began - 1 <= entry["started_at"] <= time.time() + 1
    assert math.fsum(e["usd"] for e in books["requests"]) == pytest.approx(books["total"]["usd"], rel=1e-9)


async def test_every_request_has_one_fate(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await admin.post(CHAT, json=ask(), headers={"X-API-Key": "sk-sim-nobody"})
    await admin.post(CHAT, json={}, headers=tenant.auth)
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    await admin.put(f"/v1/orgs/{tenant.org_id}/budget", json={"limit_usd": 0})
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    await admin.delete(f"/v1/orgs/{tenant.org_id}/api-keys/{tenant.key_id}")
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    books = await ledger(admin)
    expected = {"served": 1, "refused_invalid": 1, "refused_budget": 1, "refused_auth": 1}
    counts = {name: count for name, count in books["orgs"][0]["requests"].items() if count and name != "total"}
    assert counts == expected
    assert books["total"]["requests"]["refused_auth"] == 2
    assert books["total"]["requests"]["total"] == 5


async def test_people_and_keys_are_counted(start: Start) -> None:
    admin = await start(deletes=True)
    tenant = await make_tenant(admin)
    await admin.post("/v1/orgs/acme/invites", json={"email": "bob@acme.invalid"})
    await admin.post("/v1/orgs/acme/service-accounts", json={"name": "ci"})
    await admin.post(f"/v1/orgs/acme/users/{tenant.user_id}/api-keys", json={})
    await admin.delete(f"/v1/orgs/acme/api-keys/{tenant.key_id}")
    await make_tenant(admin, "bolt")
    await admin.delete("/v1/orgs/bolt")
    total = (await ledger(admin))["total"]
    assert total["orgs"] == {"created": 2, "active": 1, "suspended": 0, "deleted": 1}
    assert total["users"] == {"created": 3, "active": 1, "invited": 1, "suspended": 0, "deleted": 1}
    assert total["service_accounts"]["active"] == 1
    assert total["keys"] == {"created": 3, "active": 1, "revoked": 2}


async def test_the_books_hold_no_secret(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    assert tenant.secret not in (await admin.get("/sim/ledger", params={"requests": 1})).text
    assert tenant.secret not in (await admin.get("/metrics")).text


async def test_the_list_of_requests_is_bounded_and_says_so(start: Start) -> None:
    admin = await start(ledger_entries=2)
    auth = (await make_tenant(admin)).auth
    for _ in range(3):
        await admin.post(CHAT, json=ask(), headers=auth)
    books = await ledger(admin)
    assert (len(books["requests"]), books["requests_dropped"]) == (2, 1)
    assert books["total"]["requests"]["served"] == 3
    assert "requests_dropped" not in (await admin.get("/sim/ledger")).json()


async def test_the_simulators_own_calls_can_demand_a_token(start: Start) -> None:
    admin = await start(sim_token=SecretStr("sesame"), faults=Faults(error_rate=0.25))
    for method, path in (("GET", "ledger"), ("POST", "reset"), ("GET", "faults"), ("PUT", "faults")):
        assert (await admin.request(method, f"/sim/{path}")).status_code == 401
        assert (await admin.request(method, f"/sim/{path}", headers={"X-Sim-Token": "x"})).status_code == 401
    answer = await admin.get("/sim/faults", headers={"X-Sim-Token": "sesame"})
    assert answer.json()["errorRate"] == 0.25


async def test_unknown_simulator_calls(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/sim/nothing")).status_code == 404
    assert (await admin.delete("/sim/ledger")).status_code == 405


async def test_metrics_agree_with_the_books(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(3):
        await admin.post(CHAT, json=ask(model="gpt-4o-mini", stream=True), headers=tenant.auth)
    await admin.put(f"/v1/orgs/{tenant.org_id}/budget", json={"limit_usd": 0})
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    total = (await ledger(admin))["total"]
    lines = dict(line.rsplit(" ", 1) for line in (await admin.get("/metrics")).text.splitlines() if line[0] != "#")
    labels = '{engine="0",model_name="gpt-4o-mini"}'
    assert float(lines[f"vllm:generation_tokens_total{labels}"]) == total["completion_tokens"]
    assert float(lines[f"vllm:prompt_tokens_total{labels}"]) == total["prompt_tokens"]
    assert float(lines[f"vllm:num_requests_running{labels}"]) == 0
    for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds"):
        assert float(lines[f"vllm:{name}_count{labels}"]) == 3
    gaps = total["completion_tokens"] - 3
    assert float(lines[f"vllm:inter_token_latency_seconds_count{labels}"]) == gaps
    served = f'backend_id="a",model="gpt-4o-mini",organization_id="{tenant.org_id}",status="200"'
    assert float(lines[f"api_router_backend_requests_total{{{served}}}"]) == 3
    assert float(lines[f'api_router_budget_denials_total{{organization_id="{tenant.org_id}"}}']) == 1
