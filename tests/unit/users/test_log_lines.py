from __future__ import annotations

import json
from typing import Any

from raysim.users.log_lines import LogLines


def taken(log: LogLines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.take().splitlines()]


def test_every_line_names_the_run() -> None:
    log = LogLines("run-1", "pack/1-of-2")
    log.write("info", "user_left", user=3, reason="request_limit")
    (line,) = taken(log)
    assert (line["run_id"], line["worker"], line["event"], line["user"]) == ("run-1", "pack/1-of-2", "user_left", 3)
    assert taken(log) == []


def test_details_are_kept_only_on_demand() -> None:
    for debug, kept in ((False, []), (True, ["request"])):
        log = LogLines("run-1", "pack", debug=debug)
        log.write("debug", "request")
        assert [line["event"] for line in taken(log)] == kept


def test_a_flood_is_cut_and_counted() -> None:
    log = LogLines("run-1", "pack")
    for number in range(2_500):
        log.write("warning", "request", number=number)
    lines = taken(log)
    assert len(lines) == 2_001
    assert (lines[-1]["event"], lines[-1]["count"]) == ("log_lines_dropped", 500)
    log.write("info", "after")
    assert [line["event"] for line in taken(log)] == ["after"]
