"""Who may administrate: logins and bearer tokens. Of a token only a digest is kept."""

from __future__ import annotations

import hmac
import math
import secrets
from typing import TYPE_CHECKING

from raysim.simplatform.accounts import digest_of

if TYPE_CHECKING:
    from raysim.simplatform.config import AdminConfig


class AdminAccess:
    """Tokens of the platform's administrator. Times are monotonic seconds, given by the caller.

    Args:
        config: e-mail address, password and static tokens.
        token: one more token that never expires.
    """

    def __init__(self, config: AdminConfig, token: str) -> None:
        self._config = config
        static = (token, *(known.get_secret_value() for known in config.tokens))
        self._expiries = {digest_of(known): math.inf for known in static}

    @property
    def token_ttl_s(self) -> int:
        """Seconds that a token from a login is valid."""
        return int(self._config.token_ttl)

    def login(self, email: object, password: object, now: float) -> str | None:
        """A new token; None when the credentials are wrong, or no password is configured."""
        expected = self._config.password
        if expected is None or not isinstance(email, str) or not isinstance(password, str):
            return None
        right = hmac.compare_digest(password.encode(), expected.get_secret_value().encode())
        if email != self._config.email or not right:
            return None
        token = f"sim-admin-{secrets.token_urlsafe(24)}"
        self._expiries = {digest: expiry for digest, expiry in self._expiries.items() if expiry > now}
        self._expiries[digest_of(token)] = now + self._config.token_ttl
        return token

    def allows(self, authorization: str, now: float) -> bool:
        """Whether this `Authorization` header is an administrator's."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._expiries.get(digest_of(token.strip()), -math.inf) > now
