"""A scenario's file or mounted ConfigMap, looked at again and again while its run goes on. Reads files only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from raysim.config_file import examine_file, scenario_file
from raysim.core.config.reading import Findings
from raysim.core.errors import ConfigError

#: what tells one state of a file from another without reading it: target, inode, size, time of change
_Mark = tuple[str, int, int, int] | None


class ConfigWatch:
    """Tells when a scenario's file has changed.

    Where it is a ConfigMap's directory, or a file in one, a change moves the `..data` link: another file stands under
    the same name. A file that is being written is read only once it is the same in two looks.

    Args:
        path: the file or directory; remembered as it is now, which is why this comes before the first reading.
        name: which scenario, by `metadata.name`, when there are several.
        overrides: `path=value` strings; they stay on top.
        environ: environment in which `RAYSIM_SET__…` variables are looked for.
    """

    def __init__(
        self, path: Path, *, name: str | None = None, overrides: Sequence[str] = (), environ: Mapping[str, str] = {}
    ) -> None:
        self._path = path.absolute()
        self._name = name
        self._overrides = tuple(overrides)
        self._environ = dict(environ)
        self._known = self._seen = self._mark()
        self._content = self._digest()

    def look(self) -> Findings | None:
        """What the file holds, if that is not what it held before; None when nothing has changed."""
        mark = self._mark()
        settled, self._seen = mark == self._seen, mark
        if mark == self._known or not settled:
            return None
        self._known = mark
        content = self._digest()
        if content == self._content and content is not None:
            return None
        self._content = content
        return examine_file(self._path, name=self._name, overrides=self._overrides, environ=self._environ)

    def _mark(self) -> _Mark:
        try:
            file = scenario_file(self._path).resolve()
            stat = file.stat()
        except (ConfigError, OSError):
            return None
        return str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns

    def _digest(self) -> bytes | None:
        try:
            return hashlib.sha256(scenario_file(self._path).read_bytes()).digest()
        except (ConfigError, OSError):
            return None
