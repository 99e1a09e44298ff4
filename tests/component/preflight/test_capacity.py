from __future__ import annotations

import pytest

from raysim.core.plan.estimate import Estimate, estimate
from raysim.preflight.capacity import (
    Node,
    check_answers,
    check_capacity,
    check_machine,
    check_memory,
    check_nodes,
    check_open_files,
    check_slots,
    check_start,
)
from raysim.preflight.machine import Machine, free_memory_mib, look_around, ray_open_files, usable_cpus
from tests.component.preflight.said import plan_of


def needs(users: int = 100, actors: int = 100, memory_mib: float = 6000.0) -> Estimate:
    return Estimate(1, users, users, actors, memory_mib, actors * 1.5, 60.0, 1000, 0.01, 10.0)


@pytest.mark.parametrize(("slots", "verdict"), [(100.0, "passed"), (99.0, "failed"), (0.0, "failed")])
def test_every_user_needs_a_slot(slots: float, verdict: str) -> None:
    assert check_slots(needs(), [slots], 1).verdict == verdict


@pytest.mark.parametrize(
    ("slots", "largest", "verdict"),
    [([50.0, 50.0], 50, "passed"), ([60.0, 60.0], 50, "passed"), ([40.0, 40.0, 40.0], 50, "failed")],
)
def test_an_actor_needs_its_slots_on_one_node(slots: list[float], largest: int, verdict: str) -> None:
    check = check_slots(needs(actors=2), slots, largest)
    assert check.verdict == verdict
    assert (verdict == "passed") == ("room for" not in check.found)


def test_a_node_that_cannot_run_raysim_is_named() -> None:
    assert check_answers(3, {}).found == "3 of 3"
    check = check_answers(3, {"10.0.0.2": "No module named 'raysim'", "10.0.0.3": "x"})
    assert (check.verdict, check.found) == ("failed", "1 of 3; 10.0.0.2: No module named 'raysim'")
    assert "installed on each node" in check.advice


def test_memory_that_does_not_suffice_comes_with_advice() -> None:
    check = check_memory(needs(), 4096.0)
    assert check.verdict == "failed"
    assert check.found == "100 actors need about 5.9 GiB; this cluster has 4.0"
    assert "usersPerActor: 50" in check.advice
    assert check_memory(needs(), 8192.0).verdict == "passed"


def test_how_long_the_start_takes_is_said() -> None:
    assert check_start(needs(), 2.0).found == "about 75 s: 100 actors, 1.5 CPU s each, on 2 CPUs"
    assert not check_start(needs(), 2.0).warns
    slow = check_start(needs(1000, 1000), 2.0)
    assert slow.warns
    assert slow.found.startswith("about 750 s")
    assert "usersPerActor: 50" in slow.advice
    assert check_start(needs(), 0.0).verdict == "skipped"


@pytest.mark.parametrize(("nodes", "wanted", "warns"), [(1, 1, False), (3, 3, False), (2, 3, True), (1, 3, False)])
def test_fewer_nodes_than_planned_are_a_warning_where_there_could_be_more(nodes: int, wanted: int, warns: bool) -> None:
    offered = [Node(f"n{n}", 2.0, 4096.0, 20.0) for n in range(nodes)]
    assert check_nodes(offered, wanted).warns == warns


@pytest.mark.parametrize(
    ("limit", "verdict", "whose"),
    [(1024, "passed", "Ray's own with 40 actors on a node"), (150, "failed", "Ray's own with 40 actors on a node")],
)
def test_open_files_of_many_small_actors(limit: int, verdict: str, whose: str) -> None:
    plan = plan_of(
        users={"perOrg": {"min": 40, "max": 40}},
        targets={"platform": "aiaas", "apiRouterUrl": "http://r", "userOrgUrl": "http://o"},
    )
    check = check_open_files(plan, [Node("big", 1, 1, 1, 65536), Node("small", 1, 1, 1, limit)])
    assert (check.verdict, whose in check.found) == (verdict, True)
    assert f"small allows {limit:,}" in check.found


def test_open_files_of_one_large_actor_and_of_the_embedded_platform() -> None:
    plan = plan_of(users={"perOrg": {"min": 500, "max": 500}}, workers={"usersPerActor": 500})
    check = check_open_files(plan, [Node("n", 1, 1, 1, 1024)])
    assert check.verdict == "failed"
    assert "1,060 in a process (the embedded platform for 500 users)" in check.found
    assert "ulimit -n" in check.advice
    assert check_open_files(plan, [Node("n", 1, 1, 1)]).verdict == "skipped"


def test_a_machine_of_ones_own_gets_the_slots_it_needs() -> None:
    plan = plan_of(users={"perOrg": {"min": 4, "max": 4}})
    checks = check_machine(plan, estimate(plan), Machine("m", 2.0, 4096.0, 20_000, 0.0), 1)
    assert [check.verdict for check in checks] == ["passed"] * 5
    small = check_machine(plan, estimate(plan), Machine("m", 2.0, 100.0, 64, 0.0), 1)
    assert [check.name for check in small if check.verdict == "failed"] == ["memory", "open files"]


def test_memory_is_that_of_all_nodes_together() -> None:
    plan = plan_of(users={"perOrg": {"min": 40, "max": 40}})
    nodes = [Node(f"n{n}", 2.0, 1500.0, 20.0, 4096) for n in range(2)]
    assert [check.verdict for check in check_capacity(plan, estimate(plan), nodes, 2)] == ["passed"] * 5


MEMINFO = "MemTotal:       32000000 kB\nMemFree:         100 kB\nMemAvailable:    2097152 kB\nHugePages_Free:  0\n"


@pytest.mark.parametrize(
    ("cgroups", "mib"),
    [
        ([("", ""), ("", "")], 2048.0),
        ([("max\n", "123\n"), ("", "")], 2048.0),
        ([(f"{2**30}\n", f"{2**29}\n"), ("", "")], 512.0),
        ([("", ""), ("9223372036854771712", "1000")], 2048.0),
        ([("100", "200"), ("", "")], 0.0),
    ],
)
def test_free_memory_is_what_machine_and_container_leave(cgroups: list[tuple[str, str]], mib: float) -> None:
    assert free_memory_mib(MEMINFO, cgroups) == mib


@pytest.mark.parametrize(
    ("texts", "cpus"),
    [
        (["", "", ""], 8.0),
        (["max 100000\n", "", ""], 8.0),
        (["150000 100000\n", "", ""], 1.5),
        (["", "-1\n", "100000\n"], 8.0),
        (["", "400000\n", "100000\n"], 4.0),
        (["1600000 100000", "", ""], 8.0),
    ],
)
def test_processors_are_bounded_by_the_containers_quota(texts: list[str], cpus: float) -> None:
    assert usable_cpus(8, texts) == cpus


@pytest.mark.parametrize(
    ("soft", "hard", "files"),
    [
        (1024, 1024, 1024),
        (1024, 524_288, 65_536),
        (1024, 20_000, 20_000),
        (100_000, 200_000, 100_000),
        (-1, -1, 65_536),
    ],
)
def test_ray_raises_the_soft_limit(soft: int, hard: int, files: int) -> None:
    assert ray_open_files(soft, hard) == files


def test_this_machine_can_be_looked_at() -> None:
    here = look_around()
    assert here.cpus > 0
    assert here.memory_mib > 0
    assert here.open_files > 0
