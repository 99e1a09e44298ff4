"""The list of what has got to a store whole: written last, so that what it names is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

MANIFEST_NAME = "manifest.json"
#: raised when a key of the manifest changes its meaning
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """A file that is in the store. `sha256`, in hexadecimal, is of its first `bytes` bytes.

    A file that grows may have gone on since: then the object is longer, and begins with these bytes.
    """

    key: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the store of one run.

    Args:
        run_id: the run.
        objects: by their keys.
        ended: whether the run is over and all of its files are listed.
        written_at: Unix time.
    """

    run_id: str
    objects: Mapping[str, ExportedObject]
    ended: bool = False
    written_at: float = 0.0

    def encode(self) -> bytes:
        """As JSON; objects in the order of their keys."""
        document = {
            "schema_version": MANIFEST_VERSION,
            "run_id": self.run_id,
            "ended": self.ended,
            "written_at": self.written_at,
            "objects": [self.objects[key] for key in sorted(self.objects)],
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """What `encode` made.

        Raises:
            ValueError: it is no manifest, or one of another version; the text says which.
        """
        document = orjson.loads(data)
        if not isinstance(document, dict) or "objects" not in document:
            raise ValueError("it is not a manifest of raysim's")
        if document.get("schema_version") != MANIFEST_VERSION:
            found = document.get("schema_version")
            raise ValueError(f"it has version {found}; this raysim reads version {MANIFEST_VERSION}")
        try:
            objects = [ExportedObject(str(o["key"]), int(o["bytes"]), str(o["sha256"])) for o in document["objects"]]
            run_id, ended, at = str(document["run_id"]), bool(document["ended"]), float(document["written_at"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is not a manifest of raysim's: {error!r} is missing or wrong") from error
        for item in objects:
            # the reader makes files of these names
            if item.key.startswith("/") or ".." in item.key.split("/") or "\\" in item.key:
                raise ValueError(f"it names {item.key!r}, which no run has")
        return cls(run_id, {item.key: item for item in objects}, ended, at)


def total_bytes(objects: Iterable[ExportedObject]) -> int:
    """Size of all of them together."""
    return sum(item.bytes for item in objects)
