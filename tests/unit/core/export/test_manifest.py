from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.export.manifest import ExportedObject, Manifest

KEYS = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9.-]{1,8})?", fullmatch=True).filter(lambda key: ".." not in key)


@given(
    st.dictionaries(KEYS, st.tuples(st.integers(0, 2**40), st.binary(min_size=32, max_size=32))),
    st.booleans(),
    st.floats(0, 4e9),
)
def test_what_is_encoded_comes_back(found: dict[str, tuple[int, bytes]], ended: bool, at: float) -> None:
    objects = {key: ExportedObject(key, size, digest.hex()) for key, (size, digest) in found.items()}
    manifest = Manifest("run-1", objects, ended, at)
    assert Manifest.decode(manifest.encode()) == manifest


def _text(**changes: object) -> bytes:
    one = {"key": "plan.json", "bytes": 3, "sha256": "ab"}
    whole = {"schema_version": 1, "run_id": "r", "ended": True, "written_at": 1.0, "objects": [one]}
    return json.dumps(whole | changes).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>", "expected"),
        (b"[]", "not a manifest"),
        (_text(schema_version=2), "version 2; this raysim reads version 1"),
        (_text(objects=[{"key": "a"}]), "'bytes'"),
        (_text(objects=[{"key": "../../etc/passwd", "bytes": 1, "sha256": ""}]), "no run has"),
        (_text(objects=[{"key": "/etc/passwd", "bytes": 1, "sha256": ""}]), "no run has"),
    ],
)
def test_what_is_no_manifest_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Manifest.decode(data)
    assert caught.value.args
