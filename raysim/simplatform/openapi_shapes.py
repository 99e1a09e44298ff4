"""What goes over the simulated platform's wire, as the schemas of its OpenAPI document. Pure.

Requests are described as they are read: fields that are not named are ignored. Answers have the fields that are named,
and no others.
"""

from __future__ import annotations

from typing import Any

from raysim.simplatform.config import Faults
from raysim.simplatform.ledger import Fate

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number", "minimum": 0}
COUNT: Schema = {"type": "integer", "minimum": 0}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
FREE: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """The schema `name` of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """A list of `items`."""
    return {"type": "array", "items": items}


def one_of(*values: object) -> Schema:
    """One of a few constants."""
    return {"enum": list(values)}


def nullable(schema: Schema) -> Schema:
    """`schema`, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def answer(optional: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    """An object with these fields and no others; all are there but the `optional` ones."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def request(required: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    """A body that must have the `required` fields; what it has beyond these is ignored."""
    return {"type": "object", "properties": fields, **({"required": list(required)} if required else {})}


def schemas() -> dict[str, Schema]:
    """Name → schema, of everything that the document refers to."""
    return _ORGANISATIONS | _INFERENCE | _OPENAI_REQUESTS | _LEDGER | _LITELLM | _ABOUT | _faults()


_STATUS = one_of("active", "invited", "suspended", "deleted")

_API_KEY: dict[str, Schema] = {
    "apiKeyId": UUID,
    "principalId": UUID,
    "fingerprint": TEXT,
    "status": one_of("active", "revoked"),
    "expiresAt": TIME,
}

_ORGANISATIONS: dict[str, Schema] = {
    "NewOrganisation": request(("name", "slug"), name=TEXT, slug=TEXT, metadata=FREE),
    "OrganisationChange": request(status=one_of("active", "suspended"), displayName=TEXT, metadata=FREE),
    "Organisation": answer(orgId=UUID, name=TEXT, slug=TEXT, status=_STATUS, createdAt=TIME, metadata=FREE),
    "BudgetChange": request(("limit_usd",), limit_usd=nullable(NUMBER)),
    "Budget": answer(orgId=UUID, limit_usd=nullable(NUMBER), spent_usd=NUMBER),
    "NewInvite": request(("email",), email=TEXT),
    "Invite": answer(inviteId=UUID, email=TEXT, status=one_of("pending")),
    "UserChange": request(status=one_of("active", "suspended", "invited"), displayName=TEXT, metadata=FREE),
    "User": answer(
        userId=UUID, orgId=UUID, email=TEXT, displayName=TEXT, status=_STATUS, createdAt=TIME, metadata=FREE
    ),
    "NewServiceAccount": request(("name",), name=TEXT),
    "ServiceAccount": answer(serviceAccountId=UUID, orgId=UUID, name=TEXT, status=_STATUS),
    "NewApiKey": request(expiresInDays=NUMBER),
    "ApiKey": answer(("expiresAt",), **_API_KEY),
    "ApiKeyWithSecret": answer(("expiresAt",), **_API_KEY, secret=TEXT),
    "Login": request(("email", "password"), email=TEXT, password=TEXT),
    "Token": answer(access_token=TEXT, token_type=one_of("bearer"), expires_in=NUMBER),
    "LoginRefused": answer(error=one_of("invalid_grant"), error_description=TEXT),
    "KeyQuestion": request(("apiKeySecret",), apiKeySecret=TEXT, orgId=TEXT),
    "KeyAnswer": {
        "oneOf": [
            answer(
                valid={"const": True},
                apiKeyId=UUID,
                organizationId=UUID,
                principalId=UUID,
                status=one_of("active"),
                expiresAt=nullable(TIME),
            ),
            answer(valid={"const": False}, message=TEXT),
        ]
    },
}

_USAGE = answer(prompt_tokens=COUNT, completion_tokens=COUNT, total_tokens=COUNT)
_FINISH = one_of("stop", "length")


def _choice(finish: Schema, optional: tuple[str, ...] = (), /, **what: Schema) -> Schema:
    return answer(optional, index=COUNT, finish_reason=finish, **what)


def _completion(kind: str, choice: Schema, **more: Schema) -> Schema:
    return answer(id=TEXT, object=one_of(kind), created=COUNT, model=TEXT, choices=array(choice), **more)


def _chunk(kind: str, choice: Schema) -> Schema:
    chunk = answer(
        ("usage",), id=TEXT, object=one_of(kind), created=COUNT, model=TEXT, choices=array(choice), usage=_USAGE
    )
    return chunk | {"description": "the last one, with stream_options.include_usage, has usage and no choices"}


_DELTA = answer(("role", "content"), role=one_of("assistant"), content=TEXT)
_NULL: Schema = {"type": "null"}

_INFERENCE: dict[str, Schema] = {
    "ChatCompletion": _completion(
        "chat.completion",
        _choice(_FINISH, logprobs=_NULL, message=answer(role=one_of("assistant"), content=TEXT)),
        usage=_USAGE,
    ),
    "ChatChunk": _chunk("chat.completion.chunk", _choice(nullable(_FINISH), delta=_DELTA)),
    "Completion": _completion("text_completion", _choice(_FINISH, logprobs=_NULL, text=TEXT), usage=_USAGE),
    "CompletionChunk": _chunk("text_completion", _choice(nullable(_FINISH), logprobs=_NULL, text=TEXT)),
    "Embeddings": answer(
        object=one_of("list"),
        model=TEXT,
        data=array(
            answer(
                object=one_of("embedding"),
                index=COUNT,
                embedding={"anyOf": [array({"type": "number"}), {"type": "string", "contentEncoding": "base64"}]},
            )
        ),
        usage=answer(prompt_tokens=COUNT, total_tokens=COUNT),
    ),
    "Inference": answer(
        request_id=TEXT,
        output=answer(text=TEXT, finish_reason=_FINISH),
        usage=answer(
            tokens_input=COUNT,
            tokens_output=COUNT,
            latency_ms=COUNT,
            cost_usd=NUMBER,
            limit_state=one_of("WITHIN_LIMIT", "EXCEEDED"),
        ),
        trace_id=TEXT,
    ),
    "RouterError": answer(
        ("limit_context", "retry_after_seconds"),
        error=TEXT,
        code=one_of(
            "AUTH_INVALID",
            "BACKEND_ERROR",
            "BUDGET_EXCEEDED",
            "INVALID_REQUEST",
            "QUOTA_EXCEEDED",
            "RATE_LIMIT_EXCEEDED",
            "ROUTING_ERROR",
            "VALIDATION_ERROR",
        ),
        trace_id=TEXT,
        limit_context=answer(current_usage=NUMBER, limit=NUMBER, quota_type=TEXT),
        retry_after_seconds=COUNT,
    ),
    "NoRoute": answer(error=one_of("not found", "method not allowed"), method=TEXT, path=TEXT),
}

_MESSAGE = request(("role",), role=TEXT, content={"anyOf": [TEXT, array(FREE), _NULL]})
_PROMPT: Schema = {"anyOf": [TEXT, array(TEXT), array({"type": "integer"}), array(array({"type": "integer"}))]}
_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
_GENERATION: dict[str, Schema] = {
    "max_tokens": nullable(_LIMIT),
    "max_completion_tokens": nullable(_LIMIT),
    "temperature": nullable({"type": "number", "minimum": 0, "maximum": 2}),
    "stream": nullable({"type": "boolean"}),
    "stream_options": nullable(request(include_usage={"type": "boolean"})),
    "ignore_eos": nullable({"type": "boolean"}),
    "n": one_of(1),
}
_MESSAGES: Schema = array(_MESSAGE) | {"minItems": 1}

_OPENAI_REQUESTS: dict[str, Schema] = {
    "ChatRequest": request(("model", "messages"), model=TEXT, messages=_MESSAGES, **_GENERATION),
    "CompletionRequest": request(("model", "prompt"), model=TEXT, prompt=_PROMPT, **_GENERATION),
    "EmbeddingsRequest": request(
        ("model", "input"), model=TEXT, input=_PROMPT, encoding_format=one_of("float", "base64")
    ),
    "InferenceRequest": request(
        ("request_id", "model", "payload"),
        request_id=TEXT,
        model=TEXT,
        payload={
            "anyOf": [TEXT, request(prompt=_PROMPT, input=_PROMPT, messages=_MESSAGES, max_tokens=nullable(_LIMIT))]
        },
    ),
}

_FATES = [fate.value for fate in Fate]
_ORG_COUNTS = answer(created=COUNT, active=COUNT, suspended=COUNT, deleted=COUNT)
_FIGURES: dict[str, Schema] = {
    "requests": answer(total=COUNT, **dict.fromkeys(_FATES, COUNT)),
    "prompt_tokens": COUNT,
    "completion_tokens": COUNT,
    "usd": NUMBER,
    "peak_streams": COUNT,
    "users": answer(created=COUNT, active=COUNT, invited=COUNT, suspended=COUNT, deleted=COUNT),
    "service_accounts": _ORG_COUNTS,
    "keys": answer(created=COUNT, active=COUNT, revoked=COUNT),
}

_LEDGER: dict[str, Schema] = {
    "Ledger": answer(
        ("requests", "requests_dropped"),
        total=answer(**_FIGURES, orgs=_ORG_COUNTS),
        orgs=array(answer(org_id=UUID, slug=TEXT, status=_STATUS, **_FIGURES)),
        requests=array(
            answer(
                request_id=TEXT,
                org=TEXT,
                org_id=TEXT,
                model=TEXT,
                status=one_of(*_FATES),
                prompt_tokens=COUNT,
                completion_tokens=COUNT,
                usd=NUMBER,
                started_at=NUMBER,
            )
        ),
        requests_dropped=COUNT,
    ),
}

_TEAM = answer(team_id=TEXT, team_alias=TEXT, metadata=FREE, max_budget=nullable(NUMBER), spend=NUMBER)
_KEY: dict[str, Schema] = {
    "token": TEXT,
    "key_alias": nullable(TEXT),
    "metadata": nullable(FREE),
    "user_id": TEXT,
    "expires": nullable(NUMBER),
}

_LITELLM: dict[str, Schema] = {
    "LitellmError": answer(error=answer(message=TEXT, type=TEXT, param=_NULL, code=TEXT)),
    "NewTeam": request(team_id=TEXT, team_alias=TEXT, metadata=FREE, max_budget=nullable(NUMBER)),
    "TeamChange": request(("team_id",), team_id=TEXT, max_budget=nullable(NUMBER)),
    "Team": _TEAM,
    "TeamIds": request(("team_ids",), team_ids=array(TEXT)),
    "NewLitellmUser": request(("user_id", "teams"), user_id=TEXT, teams=array(TEXT), metadata=FREE),
    "LitellmUser": answer(user_id=TEXT, teams=array(TEXT), metadata=FREE),
    "UserIds": request(("user_ids",), user_ids=array(TEXT)),
    "NewLitellmKey": request(("user_id",), user_id=TEXT, key_alias=TEXT, duration=TEXT, metadata=FREE),
    "LitellmKey": answer(**_KEY),
    "LitellmKeyWithSecret": answer(key=TEXT, token_id=TEXT, **_KEY),
    "LitellmKeyInfo": answer(key=TEXT, info=answer(**_KEY, status=one_of("active", "deleted"))),
    "KeyNames": request(keys=array(TEXT), key_aliases=array(TEXT)),
}

_ABOUT: dict[str, Schema] = {
    "Health": answer(("components",), status=one_of("ok", "ready", "degraded"), components=FREE),
    "Models": answer(
        object=one_of("list"),
        data=array(answer(id=TEXT, object=one_of("model"), created=COUNT, owned_by=TEXT)),
    ),
    "Backends": answer(
        backends=array(
            answer(
                backend_id=TEXT,
                uri=TEXT,
                health_status=one_of("healthy"),
                models=array(TEXT),
                running=COUNT,
                waiting=COUNT,
            )
        )
    ),
}


def _faults() -> dict[str, Schema]:
    """The faults as their model has them; a time is seconds, or a text such as `250ms`."""
    document = Faults.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    parts: dict[str, Schema] = {**document.pop("$defs"), "Faults": document}
    for part in parts.values():
        part.pop("title")
        for described in part["properties"].values():
            described.pop("title", None)
            if described.pop("ge", None) is not None:
                described |= {"type": ["number", "string"], "minimum": 0}
    return parts
