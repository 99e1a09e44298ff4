"""The charting library that the page carries with it: plotly.js, as the PyPI package `plotly` ships it."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from raysim.core.errors import RaysimError


@cache
def chart_library() -> tuple[str, str]:
    """The library, compressed and in base64, and its hash as a Content-Security-Policy has it.

    Compressed it takes 2 MB of a page instead of 5; the browser inflates it.

    Raises:
        RaysimError: plotly is not installed as raysim needs it.
    """
    # found, not imported: only one file of the package is wanted
    spec = find_spec("plotly")
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    try:
        source = path.read_bytes() if path else b""
    except OSError as error:
        raise RaysimError(f"the charting library cannot be read: {error}", hint="install plotly again") from error
    if not source:
        raise RaysimError("the charting library is not installed", hint="pip install plotly")
    # no time of day inside: the same run gives the same page
    packed = gzip.compress(source, compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode(), content_hash(source)


def content_hash(script: bytes) -> str:
    """What a Content-Security-Policy calls a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
