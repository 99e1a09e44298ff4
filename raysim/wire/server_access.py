"""What a server of metrics is shown: credentials found by reference, read anew each time, told to nobody else."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from raysim.core.errors import RaysimError
from raysim.core.plan.metrics_plan import AccessPlan
from raysim.core.secret import Secret
from raysim.wire.target import TlsFiles

#: what can stand in a header; nothing else of a secret may reach an HTTP library, whose errors quote it
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_HIDDEN = "***"


class AccessError(RaysimError):
    """A credential or a certificate is not where the scenario says; the message names the place, never the secret."""


class ServerAccess:
    """How one server is entered.

    Args:
        plan: names and paths.
        environ: the process's environment.
    """

    def __init__(self, plan: AccessPlan, environ: Mapping[str, str]) -> None:
        self._plan = plan
        self._environ = environ
        #: every value that was ever sent, so that an answer that repeats it is not repeated
        self._sent: set[str] = set()

    def headers(self) -> dict[str, str]:
        """The headers that hold the credential, as it is now: a mounted file may change while a run goes on.

        Raises:
            AccessError: it is not there, or cannot stand in a header.
        """
        found = dict(self._found())
        self._sent.update(found.values())
        return found

    def _found(self) -> Iterator[tuple[str, str]]:
        plan = self._plan
        if plan.username:
            password = self._secret("password", plan.password_env, plan.password_file)
            pair = f"{plan.username}:{password.reveal()}".encode()
            self._sent.add(password.reveal())
            yield "Authorization", f"Basic {base64.b64encode(pair).decode()}"
        elif plan.token_env or plan.token_file:
            token = self._secret("token", plan.token_env, plan.token_file)
            self._sent.add(token.reveal())
            yield "Authorization", f"Bearer {self._value('token', token)}"
        for place, (name, variable, file) in enumerate(plan.headers):
            where = f"headers[{place}]."
            yield name, self._value(where, self._secret(where, variable, file))

    def _secret(self, what: str, variable: str, file: str) -> Secret:
        """The secret in this variable or file; `what` begins its key in the scenario, such as `token`Env."""
        if variable:
            value = self._environ.get(variable, "").strip()
            if not value:
                raise AccessError(
                    f"{self._key(what, 'env')}: the environment variable {variable} is not set where metrics are sent",
                    hint="set it where the run's Ray starts, or name a mounted file instead",
                )
            return Secret(value)
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise AccessError(f"{self._key(what, 'file')}: {file} cannot be read: {reason}") from error
        if not value:
            raise AccessError(f"{self._key(what, 'file')}: {file} is empty")
        return Secret(value)

    def _value(self, what: str, secret: Secret) -> str:
        if not _VALUE.fullmatch(secret.reveal()):
            raise AccessError(f"{self._plan.where}: the {what.rstrip('.')} holds what cannot stand in a header")
        return secret.reveal()

    def _key(self, what: str, kind: str) -> str:
        return f"{self._plan.where}.{what}{kind if what.endswith('.') else kind.capitalize()}"

    @property
    def files(self) -> TlsFiles:
        """The files that certificates are checked with."""
        plan = self._plan
        return TlsFiles(plan.tls_verify, plan.tls_ca_file, plan.tls_cert_file, plan.tls_key_file)

    def context(self) -> ssl.SSLContext:
        """How the server's certificate is checked, and which one it is shown.

        Raises:
            AccessError: a file of the scenario's cannot be used.
        """
        try:
            return self.files.context()
        except (OSError, ssl.SSLError) as error:
            raise AccessError(f"spec.metrics.tls: its files cannot be used: {error.strerror or error}") from error

    def hidden(self, text: str) -> str:
        """`text`, without what was sent."""
        for value in sorted(self._sent, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text
