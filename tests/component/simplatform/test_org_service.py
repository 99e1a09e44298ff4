"""The User/Org service, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from raysim.simplatform.config import AdminConfig
from tests.component.simplatform.tenant import Tenant, ask, make_tenant

if TYPE_CHECKING:
    import httpx

    from tests.component.simplatform.conftest import Start

NOBODY = "11111111-2222-3333-4444-555555555555"
ZERO = "00000000-0000-0000-0000-000000000000"


def is_text(response: httpx.Response, status: int, part: str = "") -> bool:
    return (
        response.status_code == status
        and response.headers["content-type"].startswith("text/plain")
        and part in response.text
    )


async def test_health(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/healthz")).json() == {"status": "ok"}
    assert (await admin.get("/readyz", headers={"Authorization": ""})).json() == {"status": "ready"}


async def test_unready(admin: httpx.AsyncClient) -> None:
    await admin.put("/sim/faults", json={"unready": True})
    assert is_text(await admin.get("/readyz"), 503)
    degraded = await admin.get("/v1/status/readyz")
    assert degraded.status_code == 503
    assert degraded.json()["status"] == "degraded"
    assert "components" in degraded.json()


async def test_login_gives_a_token_that_expires(start: Start) -> None:
    config = AdminConfig(email="root@platform.invalid", password=SecretStr("right"), token_ttl=3600)
    client = await start(admin=config)
    right = {"email": "root@platform.invalid", "password": "right"}
    answer = await client.post("/v1/auth/login", json=right, headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["token_type"].lower() == "bearer"
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/v1/orgs", headers=token)).json() == []
    for wrong in ({"password": "wrong"}, {"email": "other@platform.invalid"}, {"password": None}):
        refused = await client.post("/v1/auth/login", json=right | wrong)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"


async def test_an_expired_token_is_refused(start: Start) -> None:
    client = await start(admin=AdminConfig(password=SecretStr("right"), token_ttl=0))
    login = await client.post("/v1/auth/login", json={"email": AdminConfig().email, "password": "right"})
    token = {"Authorization": f"Bearer {login.json()['access_token']}"}
    assert is_text(await client.get("/v1/orgs", headers=token), 401)


async def test_nobody_logs_in_without_a_configured_password(admin: httpx.AsyncClient) -> None:
    refused = await admin.post("/v1/auth/login", json={"email": AdminConfig().email, "password": ""})
    assert refused.status_code == 400


async def test_static_tokens_and_nothing_else_open_the_service(start: Start) -> None:
    client = await start(admin=AdminConfig(tokens=(SecretStr("static"),)))
    tenant = await make_tenant(client)
    assert (await client.get("/v1/orgs", headers={"Authorization": "Bearer static"})).status_code == 200
    for header in ({"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {tenant.secret}"}):
        assert is_text(await client.get("/v1/orgs", headers=header), 401)


async def test_create_an_organisation(admin: httpx.AsyncClient) -> None:
    created = await admin.post("/v1/orgs", json={"name": "Acme", "slug": "acme", "metadata": {"run": "r1"}})
    assert created.status_code == 201
    org = created.json()
    assert (org["name"], org["slug"], org["status"], org["metadata"]) == ("Acme", "acme", "active", {"run": "r1"})
    assert org["createdAt"].endswith("Z")
    for reference in (org["orgId"], "acme"):
        assert (await admin.get(f"/v1/orgs/{reference}")).json() == org
    assert is_text(await admin.post("/v1/orgs", json={"name": "B", "slug": "acme"}), 409)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": "x"}', b'{"name": "x", "slug": 7}'])
async def test_a_wrong_body_is_refused(admin: httpx.AsyncClient, body: bytes) -> None:
    assert is_text(await admin.post("/v1/orgs", content=body), 400)


async def test_an_unknown_organisation_is_found_as_zero(admin: httpx.AsyncClient) -> None:
    unknown = await admin.get(f"/v1/orgs/{NOBODY}")
    assert unknown.status_code == 200
    assert unknown.json()["orgId"] == ZERO


async def test_patch_an_organisation(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    patched = await admin.patch(f"/v1/orgs/{tenant.slug}", json={"displayName": "New", "status": "suspended"})
    assert patched.status_code == 200
    assert (patched.json()["name"], patched.json()["status"]) == ("New", "suspended")
    assert is_text(await admin.patch(f"/v1/orgs/{tenant.slug}", json={"status": "gone"}), 400)
    assert is_text(await admin.patch(f"/v1/orgs/{NOBODY}", json={"status": "suspended"}), 409, "version conflict")


async def test_lists_are_always_empty(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    assert (await admin.get("/v1/orgs")).json() == []
    assert (await admin.get(f"/v1/orgs/{tenant.org_id}/users")).json() == []


async def test_invite(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    body = {"email": "bob@acme.invalid", "roles": ["member"], "expiresInHours": 24}
    invited = await admin.post(f"/v1/orgs/{tenant.slug}/invites", json=body)
    assert invited.status_code == 202
    assert invited.json() == {"inviteId": invited.json()["inviteId"], "email": "bob@acme.invalid", "status": "pending"}
    user = await admin.get(f"/v1/orgs/{tenant.org_id}/users/{invited.json()['inviteId']}")
    assert (user.json()["userId"], user.json()["status"]) == (invited.json()["inviteId"], "invited")
    assert is_text(await admin.post(f"/v1/orgs/{tenant.slug}/invites", json=body), 409)
    assert is_text(await admin.post(f"/v1/orgs/{NOBODY}/invites", json=body), 404)
    assert is_text(await admin.post(f"/v1/orgs/{tenant.slug}/invites", json={"email": "nobody"}), 400)


async def test_a_key_needs_an_active_user(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    users = f"/v1/orgs/{tenant.org_id}/users"
    user_id = (await admin.post(f"/v1/orgs/{tenant.org_id}/invites", json={"email": "bob@a.invalid"})).json()[
        "inviteId"
    ]
    assert is_text(await admin.post(f"{users}/{user_id}/api-keys", json={}), 400, "user is not active")
    assert (await admin.patch(f"{users}/{user_id}", json={"status": "active"})).json()["status"] == "active"
    assert is_text(await admin.post(f"{users}/{user_id}/api-keys"), 400)
    created = await admin.post(f"{users}/{user_id}/api-keys", json={"scopes": ["inference"], "expiresInDays": 1})
    assert created.status_code == 201
    key = created.json()
    assert key["secret"].startswith("sk-sim-")
    assert key["status"] == "active"
    assert key["fingerprint"] not in key["secret"]
    assert key["expiresAt"].endswith("Z")
    assert is_text(await admin.post(f"{users}/{NOBODY}/api-keys", json={}), 404)


@pytest.mark.parametrize(
    ("body", "status"), [({"status": "gone"}, 400), ({"status": 7}, 400), ({"displayName": "Ann"}, 200)]
)
async def test_patch_a_user(admin: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any], status: int) -> None:
    url = f"/v1/orgs/{tenant.org_id}/users"
    assert (await admin.patch(f"{url}/{tenant.user_id}", json=body)).status_code == status
    assert is_text(await admin.patch(f"{url}/{NOBODY}", json=body), 404)
    assert is_text(await admin.get(f"{url}/{NOBODY}"), 404)


async def test_service_accounts(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    url = f"/v1/orgs/{tenant.org_id}/service-accounts"
    account = await admin.post(url, json={"name": "ci"})
    assert account.status_code == 201
    key = await admin.post(f"{url}/{account.json()['serviceAccountId']}/api-keys", json={})
    assert key.status_code == 201
    assert is_text(await admin.post(url, json={"name": "ci"}), 500)


async def test_a_key_is_revoked_once(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    url = f"/v1/orgs/{tenant.org_id}/api-keys"
    assert is_text(await admin.delete(f"{url}/{NOBODY}"), 404)
    revoked = await admin.delete(f"{url}/{tenant.key_id}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    assert is_text(await admin.delete(f"{url}/{tenant.key_id}"), 409)
    refused = await admin.post("/v1/chat/completions", json=ask(), headers=tenant.auth)
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_INVALID")


async def test_revocation_can_reach_the_router_late(start: Start) -> None:
    admin = await start(revocation_delay=3600)
    tenant = await make_tenant(admin)
    await admin.delete(f"/v1/orgs/{tenant.org_id}/api-keys/{tenant.key_id}")
    assert (await admin.post("/v1/chat/completions", json=ask(), headers=tenant.auth)).status_code == 200


async def test_deleting_is_not_implemented(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    for path in (f"/v1/orgs/{tenant.org_id}", f"/v1/orgs/{tenant.org_id}/users/{tenant.user_id}"):
        refused = await admin.delete(path)
        assert refused.status_code == 405
        assert refused.json() == {"error": "method not allowed", "method": "DELETE", "path": path}


async def test_deleting_when_it_is_switched_on(start: Start) -> None:
    admin = await start(deletes=True)
    tenant = await make_tenant(admin)
    user = f"/v1/orgs/{tenant.org_id}/users/{tenant.user_id}"
    assert (await admin.delete(user)).status_code == 204
    assert is_text(await admin.get(user), 404)
    assert (await admin.post("/v1/chat/completions", json=ask(), headers=tenant.auth)).status_code == 401
    assert (await admin.delete(f"/v1/orgs/{tenant.org_id}")).status_code == 204
    assert (await admin.get(f"/v1/orgs/{tenant.org_id}")).json()["orgId"] == ZERO
    assert (await admin.post("/v1/orgs", json={"name": "A", "slug": tenant.slug})).status_code == 201


async def test_unknown_paths_answer_json(admin: httpx.AsyncClient) -> None:
    unknown = await admin.get("/v1/nothing")
    assert unknown.status_code == 404
    assert unknown.json() == {"error": "not found", "method": "GET", "path": "/v1/nothing"}


async def test_validate_a_key(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    async def validate(**body: object) -> httpx.Response:
        return await admin.post("/v1/auth/validate-api-key", json=body, headers={"Authorization": ""})

    valid = (await validate(apiKeySecret=tenant.secret)).json()
    assert valid["valid"] is True
    assert (valid["apiKeyId"], valid["organizationId"]) == (tenant.key_id, tenant.org_id)
    for body in ({"apiKeySecret": "sk-x"}, {"apiKeySecret": tenant.secret, "orgId": NOBODY}):
        invalid = await validate(**body)
        assert (invalid.status_code, invalid.json()["valid"]) == (200, False)
    assert is_text(await validate(), 400)


async def test_budget(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    url = f"/v1/orgs/{tenant.slug}/budget"
    answer = await admin.put(url, json={"limit_usd": 2.5})
    assert answer.json() == {"orgId": tenant.org_id, "limit_usd": 2.5, "spent_usd": 0.0}
    assert (await admin.put(url, json={"limit_usd": None})).json()["limit_usd"] is None
    for wrong in ({}, {"limit_usd": -1}, {"limit_usd": "2"}, {"limit_usd": True}):
        assert is_text(await admin.put(url, json=wrong), 400)
    assert is_text(await admin.put(f"/v1/orgs/{NOBODY}/budget", json={"limit_usd": 1}), 404)


async def test_users_and_keys_can_be_looked_up_where_lookups_are_on(start: Start) -> None:
    admin = await start()
    tenant = await make_tenant(admin)
    found = await admin.get(f"/v1/orgs/{tenant.org_id}/users/by-email/ann@acme.invalid")
    assert (found.status_code, found.json()["userId"]) == (200, tenant.user_id)
    assert (await admin.get(f"/v1/orgs/{tenant.org_id}/users/by-email/bob@acme.invalid")).status_code == 404
    for _ in range(2):
        await admin.post(f"/v1/orgs/{tenant.org_id}/users/{tenant.user_id}/api-keys", json={})
    await admin.delete(f"/v1/orgs/{tenant.org_id}/api-keys/{tenant.key_id}")
    listed = (await admin.get(f"/v1/orgs/{tenant.org_id}/api-keys")).json()
    assert [key["status"] for key in listed] == ["revoked", "active", "active"]
    assert {key["principalId"] for key in listed} == {tenant.user_id}
    assert not any("secret" in key for key in listed)
    page = (await admin.get(f"/v1/orgs/{tenant.org_id}/api-keys?limit=1&offset=1")).json()
    assert page == listed[1:2]


async def test_without_lookups_there_are_none(start: Start) -> None:
    admin = await start(lookups=False)
    tenant = await make_tenant(admin)
    assert (await admin.get(f"/v1/orgs/{tenant.org_id}/users/by-email/ann@acme.invalid")).status_code == 404
    assert (await admin.get(f"/v1/orgs/{tenant.org_id}/api-keys")).status_code == 501
