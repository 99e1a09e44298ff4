"""The runs that ended last, for whoever looks at what has just been measured."""

from __future__ import annotations

from pathlib import Path

from raysim.core.errors import ConfigError, Problem


def newest_runs(folder: str | Path, count: int = 1) -> list[Path]:
    """Directories of the `count` runs below `folder` that ended last, the latest of them last.

    When a run ended is told from its `summary.json`; runs without one are passed over.

    Raises:
        ConfigError: there are fewer than `count`.
    """
    ended = sorted(Path(folder).glob("*/summary.json"), key=lambda path: path.stat().st_mtime_ns)
    if len(ended) < count:
        few = "no finished run" if not ended else f"only {len(ended)} finished run{'s' * (len(ended) > 1)}"
        raise ConfigError([Problem("RUN", f"there is {few} below {folder}, and {count} needed; name the directories")])
    return [path.parent for path in ended[-count:]]
