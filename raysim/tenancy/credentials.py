"""The administrator's token: found by reference, kept in memory, renewed before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from raysim.core.plan.target_plan import AuthPlan
from raysim.core.secret import Secret
from raysim.tenancy.answers import failed, optional_field
from raysim.tenancy.port import TenancyError
from raysim.wire.client import HttpClient
from raysim.wire.json_call import call_json

#: a token is renewed this long before it ends
_RENEW_BEFORE_S = 120.0
#: many callers are refused the same token at once: whoever comes so soon after its renewal means the one before
_RENEWED_JUST_NOW_S = 5.0


class AdminCredential:
    """Gives the administrator's token to whoever asks.

    Args:
        auth: where the credential is.
        environ: the process's environment.
        client: a wire client for the login call; None where a ready token is referenced.
    """

    def __init__(self, auth: AuthPlan, environ: Mapping[str, str], client: HttpClient | None) -> None:
        self._auth = auth
        self._environ = environ
        self._client = client
        self._token: Secret | None = None
        self._renew_at_s = float("inf")
        self._renewed_at_s = float("-inf")
        self._lock = asyncio.Lock()

    async def token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        """The current token; a fresh one when the last was refused or is about to end. Raises TenancyError."""
        async with self._lock:
            now_s = monotonic()
            stale = refused and now_s - self._renewed_at_s >= _RENEWED_JUST_NOW_S
            if self._token is None or stale or now_s >= self._renew_at_s:
                self._token = await self._login() if self._auth.email else self._referenced()
                self._renewed_at_s = monotonic()
            return self._token

    def _referenced(self) -> Secret:
        if self._auth.token_file:
            return secret_from_file(self._auth.token_file, "spec.targets.auth.tokenFile")
        return secret_from_environment(self._environ, self._auth.token_env, "spec.targets.auth.tokenEnv")

    async def _login(self) -> Secret:
        auth = self._auth
        if self._client is None:
            raise TenancyError("logging in needs the address of the user/org service")
        if auth.password_file:
            password = secret_from_file(auth.password_file, "spec.targets.auth.login.passwordFile")
        else:
            path = "spec.targets.auth.login.passwordEnv"
            password = secret_from_environment(self._environ, auth.password_env, path)
        body: dict[str, Any] = {"email": auth.email, "password": password.reveal()}
        if auth.org_id:
            body["org_id"] = auth.org_id
        if auth.client_id:
            body["client_id"] = auth.client_id
        if auth.client_secret_env:
            path = "spec.targets.auth.login.clientSecretEnv"
            secret = secret_from_environment(self._environ, auth.client_secret_env, path)
            body["client_secret"] = secret.reveal()
        answer = await call_json(self._client, "POST", "/v1/auth/login", body=body)
        what = f"logging in as {auth.email}"
        if not answer.ok:
            raise failed(answer, what)
        # the running code answers access_token, the published description says accessToken
        token = optional_field(answer, "access_token", "accessToken")
        if not token:
            raise TenancyError(f"{what} failed: no token in the answer")
        said = answer.json()
        lasts_s = said.get("expires_in") or said.get("expiresIn")
        lasts_s = float(lasts_s) if isinstance(lasts_s, int | float) else float("inf")
        self._renew_at_s = monotonic() + max(lasts_s / 2, lasts_s - _RENEW_BEFORE_S)
        return Secret(token)


def secret_from_environment(environ: Mapping[str, str], name: str, where: str) -> Secret:
    """The value of the variable `name`, which `where` in the scenario refers to. Raises TenancyError."""
    value = environ.get(name, "").strip()
    if not value:
        raise TenancyError(
            f"{where}: the environment variable {name} is not set where the coordinator runs",
            hint="export it in this shell, which is enough where the run starts its own Ray (--address local); "
            "a cluster that is running needs it in its own processes (set before `ray start`, or in the pod); "
            "or name a mounted file instead",
        )
    return Secret(value)


def secret_from_file(path: str, where: str) -> Secret:
    """The text of the file `path`, which `where` in the scenario refers to. Raises TenancyError."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise TenancyError(f"{where}: {path} cannot be read: {reason}") from error
    if not text:
        raise TenancyError(f"{where}: {path} is empty")
    return Secret(text)
