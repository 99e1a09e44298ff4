"""What only a simulator offers (`/sim/*`), and what any platform shows of itself: models, health, metrics."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pydantic import ValidationError

from raysim.simplatform.config import Faults
from raysim.simplatform.exposition import CONTENT_TYPE, render, render_gpus
from raysim.simplatform.http import Reply
from raysim.simplatform.org_service import json_reply, text_reply

if TYPE_CHECKING:
    from raysim.simplatform.http import Request
    from raysim.simplatform.state import PlatformState


class Operations:
    """Answers `/sim/*`, `/metrics`, `/backends/{id}[/dcgm]/metrics`, `/v1/models`, `/v1/status/*` and `/v1/admin/*`."""

    def __init__(self, state: PlatformState) -> None:
        self._state = state

    def answer(self, request: Request) -> Reply | None:  # noqa: PLR0911 - one row of the API each
        """The answer; None when the path is not one of these."""
        match request.method, request.path.strip("/").split("/"):
            case _, ["sim", *rest]:
                return self._simulator(request, rest)
            case "GET", ["metrics"]:
                return Reply(200, render(self._state.backends, self._state.counters), CONTENT_TYPE)
            case "GET", ["backends", name, "metrics"]:
                chosen = [backend for backend in self._state.backends if backend.id == name]
                return Reply(200, render(chosen, None), CONTENT_TYPE) if chosen else text_reply(404, "no such backend")
            case "GET", ["backends", name, "dcgm", "metrics"]:
                of = next((backend for backend in self._state.backends if backend.id == name), None)
                return Reply(200, render_gpus(of), CONTENT_TYPE) if of else text_reply(404, "no such backend")
            case "GET", ["v1", "models"]:
                return self._models()
            case "GET", ["v1", "status", "healthz"]:
                return json_reply({"status": "ok"})
            case "GET", ["v1", "status", "readyz"]:
                return self._ready()
            case "GET", ["v1", "admin", "routing", "backends"]:
                return self._backends(request)
            case _:
                return None

    def _models(self) -> Reply:
        models = [{"id": model, "object": "model", "created": 0, "owned_by": "raysim"} for model in self._state.models]
        return json_reply({"object": "list", "data": models})

    def _ready(self) -> Reply:
        if self._state.dice.faults.unready:
            return json_reply({"status": "degraded", "components": {"redis": "unavailable", "backends": "ok"}}, 503)
        return json_reply({"status": "ready", "components": {"redis": "ok", "backends": "ok"}})

    def _backends(self, request: Request) -> Reply:
        origin = f"http://{request.headers.get('host', 'localhost')}"
        rows = [
            {
                "backend_id": backend.id,
                "uri": f"{origin}/backends/{backend.id}",
                "health_status": "healthy",
                "models": backend.models,
                "running": backend.engine.running,
                "waiting": backend.engine.waiting,
            }
            for backend in self._state.backends
        ]
        return json_reply({"backends": rows})

    def _simulator(self, request: Request, rest: list[str]) -> Reply:  # noqa: PLR0911 - as above
        token = self._state.config.sim_token
        given = request.headers.get("x-sim-token", "")
        if token is not None and not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            return text_reply(401, "X-Sim-Token is missing or wrong")
        match request.method, rest:
            case "GET", ["ledger"]:
                entries = parse_qs(request.query).get("requests", ["0"])[-1] not in ("0", "")
                return json_reply(self._state.ledger.to_json(self._state.accounts.orgs(), entries=entries))
            case "POST", ["reset"]:
                self._state.reset()
                return Reply(204)
            case "GET", ["faults"]:
                return self._faults()
            case "PUT", ["faults"]:
                return self._put_faults(request)
            case _, ["ledger" | "reset" | "faults"]:
                return text_reply(405, "method not allowed")
            case _:
                return text_reply(404, "not found: the simulator has /sim/ledger, /sim/reset and /sim/faults")

    def _faults(self) -> Reply:
        return Reply(200, self._state.dice.faults.model_dump_json(by_alias=True).encode())

    def _put_faults(self, request: Request) -> Reply:
        try:
            faults = Faults.model_validate_json(request.body)
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
            return text_reply(400, "\n".join(problems))
        self._state.set_faults(faults)
        return self._faults()
