"""Files that are there whole or not at all: written under a hidden name, which is taken away at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, synced: bool, shared: bool = False) -> Iterator[BinaryIO]:
    """A file to write to that takes the name `path` when the block ends well, and is gone when it does not.

    Args:
        path: its name in the end; its folder exists.
        synced: whether all of it is on the disk before it takes its name.
        shared: whether several processes may write it at the same time.

    Raises:
        OSError: it could not be written; what had the name before has it still.
    """
    hidden = path.with_name(f".{path.name}.{f'{os.getpid()}.' if shared else ''}tmp")
    try:
        with hidden.open("wb") as file:
            yield file
            if synced:
                file.flush()
                os.fsync(file.fileno())
        hidden.replace(path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
