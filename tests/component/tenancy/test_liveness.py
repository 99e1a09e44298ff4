from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from raysim.tenancy.liveness import AliveError, LifeMark, keeper_of

HOLD = """
import sys, pathlib
from raysim.tenancy.liveness import LifeMark
mark = LifeMark(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_mark_is_held_by_one_and_ends_with_its_release(tmp_path: Path) -> None:
    assert keeper_of(tmp_path) == ""
    mark = LifeMark(tmp_path)
    mark.renew()
    assert keeper_of(tmp_path).startswith(f"process {os.getpid()} on ")
    with pytest.raises(AliveError, match=f"process {os.getpid()} on "):
        LifeMark(tmp_path)
    mark.release()
    mark.release()
    assert keeper_of(tmp_path) == ""


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert keeper_of(tmp_path).startswith(f"process {holder.pid} on ")
        holder.kill()
    assert keeper_of(tmp_path) == ""
    LifeMark(tmp_path).release()


def test_a_mark_from_another_machine_counts_while_it_is_fresh(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    path.write_bytes(orjson.dumps({"host": "another-machine", "pid": 7}))
    assert keeper_of(tmp_path) == "process 7 on another-machine"
    os.utime(path, (time.time() - 120,) * 2)
    assert keeper_of(tmp_path) == ""
