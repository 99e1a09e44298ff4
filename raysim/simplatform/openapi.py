"""The simulated platform's OpenAPI document: every path that it answers. Pure.

A test holds it against the routes of the code and against every answer that the platform's own tests get.
"""

from __future__ import annotations

import re
from typing import Any

from raysim import __version__
from raysim.simplatform.openapi_operations import (
    administration,
    as_json,
    as_text,
    deletion,
    exposition,
    inference,
    lookup,
    operation,
    proxy,
    shared_responses,
    simulator,
)
from raysim.simplatform.openapi_shapes import COUNT, TEXT, answer, array, ref, schemas

_ABOUT = """\
A multi-tenant LLM inference platform without a GPU, to test load tests with; docs/simulated-platform.md is its manual.

Unknown paths answer 404, wrong methods 405. 413 means that the body was too large: 65,536 bytes at the inference
endpoints, 1 MiB elsewhere.
"""

_TAGS = {
    "inference": "The API router's endpoints, with an API key.",
    "organisations": "The User/Org service, with an administrator's token. `{org}` is an id or a slug. "
    "Its errors are plain texts.",
    "sign-in": "The User/Org service about itself and about credentials, open.",
    "platform": "The router about itself, open.",
    "simulator": "What only a simulator has. Open, unless `simToken` is configured.",
    "litellm": "Administration as a LiteLLM proxy has it; only with `mode: litellm`.",
}


def openapi_document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for part in (_INFERENCE, _ORGANISATIONS, _SIGN_IN, _PLATFORM, _SIMULATOR, _LITELLM):
        for (method, path), described in part.items():
            paths.setdefault(path, _parameters(path))[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "raysim's simulated platform",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8080", "description": "`raysim platform serve`"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": shared_responses(),
            "securitySchemes": {
                "administrator": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "apiKeyBearer": {"type": "http", "scheme": "bearer"},
                "simulator": {"type": "apiKey", "in": "header", "name": "X-Sim-Token"},
            },
        },
    }


def _parameters(path: str) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", path)
    described = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    return {"parameters": described} if described else {}


_INFERENCE = {
    ("POST", "/v1/chat/completions"): inference(
        "chat", "Answer a conversation", "ChatRequest", "ChatCompletion", "ChatChunk"
    ),
    ("POST", "/v1/completions"): inference(
        "complete", "Continue a text", "CompletionRequest", "Completion", "CompletionChunk"
    ),
    ("POST", "/v1/embeddings"): inference("embed", "Embed texts", "EmbeddingsRequest", "Embeddings"),
    ("POST", "/v1/inference"): inference("infer", "The router's own shape", "InferenceRequest", "Inference"),
}

_KEYS = (201, ref("ApiKeyWithSecret"))

_ORGANISATIONS = {
    ("GET", "/v1/orgs"): administration("listOrganisations", "Always empty", (200, array(ref("Organisation")))),
    ("POST", "/v1/orgs"): administration(
        "createOrganisation", "Create an organisation", (201, ref("Organisation")), 409, 500, body="NewOrganisation"
    ),
    ("GET", "/v1/orgs/{org}"): administration(
        "getOrganisation", "The organisation; of an unknown one a zero id", (200, ref("Organisation"))
    ),
    ("PATCH", "/v1/orgs/{org}"): administration(
        "changeOrganisation", "Change it", (200, ref("Organisation")), 409, body="OrganisationChange"
    ),
    ("DELETE", "/v1/orgs/{org}"): deletion("deleteOrganisation", "Delete it"),
    ("PUT", "/v1/orgs/{org}/budget"): administration(
        "setBudget",
        "The simulator's own: its budget in USD, or null for none",
        (200, ref("Budget")),
        404,
        body="BudgetChange",
    ),
    ("POST", "/v1/orgs/{org}/invites"): administration(
        "invite", "Create a user, who is invited", (202, ref("Invite")), 404, 409, 500, body="NewInvite"
    ),
    ("GET", "/v1/orgs/{org}/users"): administration("listUsers", "Always empty", (200, array(ref("User")))),
    ("GET", "/v1/orgs/{org}/users/by-email/{address}"): lookup("findUser", "The user with this address", ref("User")),
    ("GET", "/v1/orgs/{org}/users/{user}"): administration("getUser", "The user", (200, ref("User")), 404),
    ("PATCH", "/v1/orgs/{org}/users/{user}"): administration(
        "changeUser", "Change the user; `active` lets them have keys", (200, ref("User")), 404, body="UserChange"
    ),
    ("DELETE", "/v1/orgs/{org}/users/{user}"): deletion("deleteUser", "Delete the user"),
    ("POST", "/v1/orgs/{org}/service-accounts"): administration(
        "createServiceAccount",
        "Create a service account",
        (201, ref("ServiceAccount")),
        404,
        500,
        body="NewServiceAccount",
    ),
    ("POST", "/v1/orgs/{org}/users/{owner}/api-keys"): administration(
        "createUserKey", "Create a key; its secret is shown once", _KEYS, 404, 500, body="NewApiKey"
    ),
    ("POST", "/v1/orgs/{org}/service-accounts/{owner}/api-keys"): administration(
        "createServiceAccountKey", "Create a key; its secret is shown once", _KEYS, 404, 500, body="NewApiKey"
    ),
    ("GET", "/v1/orgs/{org}/api-keys"): administration(
        "listKeys", "The organisation's keys", (200, array(ref("ApiKey"))), 404, 501, parameters=("offset", "limit")
    ),
    ("DELETE", "/v1/orgs/{org}/api-keys/{key}"): administration("revokeKey", "Revoke a key", (204, None), 404, 409),
}

_LOGIN_REFUSED = {
    "description": "wrong address or password; a text when the body is not a JSON object",
    "content": {"application/json": {"schema": ref("LoginRefused")}, "text/plain": {"schema": TEXT}},
}
_ALIVE = {200: as_json(ref("Health"), "alive")}
_READY = as_json(ref("Health"), "ready")

_SIGN_IN = {
    ("GET", "/healthz"): operation("sign-in", "healthz", "Alive", _ALIVE),
    ("GET", "/readyz"): operation("sign-in", "readyz", "Ready", {200: _READY, 503: as_text("not ready")}),
    ("POST", "/v1/auth/login"): operation(
        "sign-in",
        "login",
        "A token for the administrator",
        {200: as_json(ref("Token"), "a token that expires"), 400: _LOGIN_REFUSED},
        body="Login",
    ),
    ("POST", "/v1/auth/validate-api-key"): operation(
        "sign-in",
        "validateKey",
        "Whether a key is valid",
        {200: as_json(ref("KeyAnswer"), "valid or not"), 400: as_text("the body is not valid")},
        body="KeyQuestion",
    ),
}

_PLATFORM = {
    ("GET", "/v1/models"): operation("platform", "listModels", "The models", {200: as_json(ref("Models"), "all")}),
    ("GET", "/v1/status/healthz"): operation("platform", "routerHealthz", "Alive", _ALIVE),
    ("GET", "/v1/status/readyz"): operation(
        "platform", "routerReadyz", "Ready", {200: _READY, 503: as_json(ref("Health"), "degraded")}
    ),
    ("GET", "/v1/admin/routing/backends"): operation(
        "platform", "listBackends", "The backends", {200: as_json(ref("Backends"), "all")}
    ),
    ("GET", "/metrics"): exposition("metrics", "The router's and all backends' metrics", of_a_backend=False),
    ("GET", "/backends/{id}/metrics"): exposition("backendMetrics", "One backend's metrics, as vLLM names them"),
    ("GET", "/backends/{id}/dcgm/metrics"): exposition("gpuMetrics", "Its GPUs, as a DCGM exporter shows them"),
}

_SIMULATOR = {
    ("GET", "/sim/ledger"): simulator(
        "ledger", "The platform's own books", as_json(ref("Ledger"), "the books"), parameters=("requests",)
    ),
    ("POST", "/sim/reset"): simulator("reset", "Forget accounts, books and limits", {"description": "done"}, 204),
    ("GET", "/sim/faults"): simulator("getFaults", "The faults in force", as_json(ref("Faults"), "the faults")),
    ("PUT", "/sim/faults"): simulator(
        "setFaults", "Replace all faults", as_json(ref("Faults"), "the faults in force now"), body="Faults"
    ),
}

_PROXY_ALIVE = {200: as_json(TEXT, "a text that says so"), 404: as_json(ref("NoRoute"), "no `mode: litellm`")}

_LITELLM = {
    ("POST", "/team/new"): proxy("newTeam", "Create a team", ref("Team"), body="NewTeam"),
    ("POST", "/team/update"): proxy("updateTeam", "Set its budget", answer(data=ref("Team")), body="TeamChange"),
    ("POST", "/team/delete"): proxy("deleteTeams", "Delete teams", answer(deleted_teams=array(TEXT)), body="TeamIds"),
    ("GET", "/team/info"): proxy(
        "teamInfo",
        "A team and its keys",
        answer(team_id=TEXT, team_info=ref("Team"), keys=array(ref("LitellmKey"))),
        parameters=("team_id",),
    ),
    ("GET", "/team/list"): proxy("listTeams", "All teams", array(ref("Team"))),
    ("POST", "/user/new"): proxy("newUser", "Create a user of one team", ref("LitellmUser"), body="NewLitellmUser"),
    ("POST", "/user/delete"): proxy("deleteUsers", "Delete users", answer(deleted={"type": "boolean"}), body="UserIds"),
    ("GET", "/user/info"): proxy(
        "userInfo", "A user", answer(user_id=TEXT, user_info=ref("LitellmUser")), parameters=("user_id",)
    ),
    ("GET", "/user/list"): proxy(
        "pageOfUsers",
        "Users, a page at a time",
        answer(users=array(answer(user_id=TEXT)), total=COUNT, page=COUNT),
        parameters=("page", "page_size"),
    ),
    ("POST", "/key/generate"): proxy("newKey", "Create a key", ref("LitellmKeyWithSecret"), body="NewLitellmKey"),
    ("POST", "/key/delete"): proxy("deleteKeys", "Revoke keys", answer(deleted_keys=array(TEXT)), body="KeyNames"),
    ("GET", "/key/info"): proxy("keyInfo", "A key", ref("LitellmKeyInfo"), parameters=("key",)),
    ("GET", "/health/liveliness"): operation("litellm", "liveliness", "Alive", _PROXY_ALIVE),
    ("GET", "/health/readiness"): operation("litellm", "readiness", "Ready", _PROXY_ALIVE),
}
