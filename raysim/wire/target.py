"""Where requests go, and how long they may take."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds: connect for DNS + TCP + TLS, the others counted from `sent`."""

    connect_s: float = 10.0
    first_token_s: float = 60.0
    total_s: float = 300.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """How a server is verified and how the client proves itself; paths to PEM files, empty for the system's own."""

    verify: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        """An SSL context for these files.

        Raises:
            OSError, ssl.SSLError: a file is missing or is not what it should be.
        """
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """One server: what to connect to, how, and what precedes every path.

    `keep_alive` False makes every request open a connection of its own.
    """

    host: str
    port: int
    tls: TlsFiles | None
    base_path: str
    timeouts: Timeouts
    keep_alive: bool = True

    @classmethod
    def of(
        cls, url: str, *, tls: TlsFiles | None = None, timeouts: Timeouts | None = None, keep_alive: bool = True
    ) -> HttpTarget:
        """The target that `url` (http or https) names; `tls` counts only for https.

        Raises:
            ValueError: not an http(s) URL with a host.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http(s) URL: {url!r}")
        secure = parts.scheme == "https"
        return cls(
            host=parts.hostname,
            port=parts.port or (443 if secure else 80),
            tls=(tls or TlsFiles()) if secure else None,
            base_path=parts.path.rstrip("/"),
            timeouts=timeouts or Timeouts(),
            keep_alive=keep_alive,
        )

    @property
    def host_header(self) -> str:
        """Value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"
