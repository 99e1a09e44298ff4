"""Is there a Ray cluster to join? Found out without importing Ray."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import urlsplit

_DEFAULT_PORT = 6379
_PROBE_TIMEOUT_S = 5.0
_AUTH_MODE = "RAY_AUTH_MODE"


def cluster_address(address: str) -> str:
    """Where to join a cluster; empty when one is to be started on this machine.

    Args:
        address: `auto` (a running cluster if there is one, else a new local one), `local`, or a Ray address.
    """
    return running_cluster() if address == "auto" else "" if address == "local" else address


def running_cluster() -> str:
    """Address of the cluster that `ray start` or the environment names; empty when there is none that answers.

    The file of `ray start` stays behind when a cluster dies, and joining a cluster that is not there takes Ray minutes.
    """
    named = os.environ.get("RAY_ADDRESS", "")
    if named:
        return named
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"  # noqa: S108 - where Ray puts it
    try:
        address = noted.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return address if answers(address) else ""


def show_token(environ: MutableMapping[str, str], address: str) -> None:
    """Have Ray show its token to clusters that were found, as it does by itself only for some of them.

    A local cluster asks for the token by default since Ray 2.60; without one it lets nobody look at its run. An address
    that a person names is told nothing that the person did not ask for. To be called before Ray is imported.
    """
    if address == "auto" and _AUTH_MODE not in environ and (Path.home() / ".ray" / "auth_token").is_file():
        environ[_AUTH_MODE] = "token"


def answers(address: str) -> bool:
    """Whether something accepts connections at `HOST:PORT` or `ray://HOST:PORT`."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _DEFAULT_PORT), timeout=_PROBE_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False
