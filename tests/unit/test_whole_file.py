from __future__ import annotations

from pathlib import Path

import pytest

from raysim.whole_file import whole_file


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_it_takes_its_name_at_the_end(tmp_path: Path, synced: bool, shared: bool) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")
    with whole_file(path, synced=synced, shared=shared) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")

    def fail_halfway() -> None:
        with whole_file(path, synced=True) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
