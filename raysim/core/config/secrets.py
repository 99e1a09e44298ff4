"""Finds secrets that were written into a scenario, without ever repeating them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysim.core.config.paths import Location

_SECRET_KEYS = frozenset(
    {
        *("token", "accesstoken", "authtoken", "bearertoken", "bearer", "authorization"),
        *("password", "passwd", "secret", "clientsecret", "credential", "credentials"),
        *("apikey", "adminapikey", "privatekey", "secretkey", "secretaccesskey", "awssecretaccesskey"),
    }
)
#: what a key looks like whose value may be shown nowhere, although it may be valid
_DELICATE = re.compile(r"auth|token|password|secret|credential|login|apikey", re.IGNORECASE)

_SECRET_VALUES = re.compile(
    r"""\bsk-(?:[A-Za-z0-9_-]{16,}|(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{4,})   # keys of OpenAI and those who follow it
    | \beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*   # a JSON Web Token
    | \bgh[pousr]_[A-Za-z0-9]{20,}        # GitHub
    | \bAKIA[A-Z0-9]{12,}                 # an AWS access key id
    | \bhf_[A-Za-z0-9]{20,}               # Hugging Face
    | \bBearer\s+\S{8,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    | ://[^/\s:@]+:[^/\s@]+@              # a password in an address
    """,
    re.VERBOSE,
)

#: what stands in a message for a value that must not be seen
HIDDEN = "a text that is not shown"

ADVICE = "secrets are never written in a scenario; name an environment variable (tokenEnv) or a file (tokenFile)"


def looks_secret(text: str) -> bool:
    """Whether `text` holds something that looks like a credential."""
    return _SECRET_VALUES.search(text) is not None


def shown(value: object, location: Location = ()) -> str:
    """`value` for a message: shortened, and hidden when it is, or may well be, a secret."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    delicate = isinstance(value, str) and any(_DELICATE.search(step) for step in location if isinstance(step, str))
    if delicate or looks_secret(text):
        return HIDDEN
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - about a line


def find_secrets(document: object, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Every place in `document` that holds a secret, with a message that does not."""
    if isinstance(document, dict):
        for key, value in document.items():
            here = (*location, key)
            if _is_secret_key(key) and isinstance(value, (str, int, float)) and not isinstance(value, bool):
                yield here, f"looks like a secret; {ADVICE}"
            elif looks_secret(str(key)):
                yield here, f"the key looks like a secret; {ADVICE}"
            else:
                yield from find_secrets(value, here)
    elif isinstance(document, (list, tuple)):
        for index, value in enumerate(document):
            yield from find_secrets(value, (*location, index))
    elif isinstance(document, str) and looks_secret(document):
        yield location, f"holds what looks like a secret; {ADVICE}"


def veiled(location: Location) -> Location:
    """`location` for a message, without keys that look like secrets themselves."""
    return tuple("…" if isinstance(step, str) and looks_secret(step) else step for step in location)


def _is_secret_key(key: object) -> bool:
    return isinstance(key, str) and key.lower().replace("_", "").replace("-", "") in _SECRET_KEYS


def without(document: object, locations: set[Location], here: Location = ()) -> object:
    """A copy of `document` without the mapping entries at `locations`; list elements there become empty text."""
    if isinstance(document, dict):
        return {
            key: without(value, locations, (*here, key))
            for key, value in document.items()
            if (*here, key) not in locations
        }
    if isinstance(document, list):
        return [
            "" if (*here, index) in locations else without(value, locations, (*here, index))
            for index, value in enumerate(document)
        ]
    return document
