"""The platform under test, in the form that travels to actors: addresses and names of secrets, never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PlatformKind = Literal["aiaas", "litellm", "static", "embedded"]


@dataclass(frozen=True, slots=True)
class AuthPlan:
    """Where the coordinator finds the administrator's credential. Exactly one of token_env, token_file, email is set.

    `password_env` or `password_file` goes with `email`; all hold names and paths only.
    """

    token_env: str = ""
    token_file: str = ""
    email: str = ""
    password_env: str = ""
    password_file: str = ""
    org_id: str = ""
    client_id: str = ""
    client_secret_env: str = ""


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """Addresses and manners of the platform. The URLs of an embedded platform are filled in once it has started.

    Timeouts in seconds; TLS fields are paths to PEM files, empty for the system's own. On a static platform users'
    keys are in the environment variable `key_env` or the file `key_file`; with neither there are none. `tokenizer` is
    the path of a file that counts tokens where the platform does not. `watched` are other services of the platform, by
    name and address: preflight asks how they are.
    """

    platform: PlatformKind
    router_url: str
    org_url: str
    auth: AuthPlan
    connect_timeout_s: float
    first_token_timeout_s: float
    total_timeout_s: float
    tls_verify: bool = True
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    correlation_id: str = ""
    key_env: str = ""
    key_file: str = ""
    keep_alive: bool = True
    tokenizer: str = ""
    watched: tuple[tuple[str, str], ...] = ()
