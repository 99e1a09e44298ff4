"""Quotas and limits of a namespace against the pods of a plan: 45 users on 3 workers of 0.5 CPU and 1 CPU at most.

All pods together request 2.6 CPU: the head 1, the workers 1.5, the submitter 0.1.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.quantity import parse_quantity
from raysim.preflight.admission import Standing, judge
from raysim.preflight.check import Check
from raysim.preflight.limit_range import LimitRange, refusals, with_defaults
from raysim.preflight.quota import Quota, shares
from tests.unit.kube.test_pod_need import need_of

NEED = need_of(45, usersPerWorker=20)
MANY = need_of(90, usersPerWorker=10)


def amounts(**named: str) -> dict[str, Decimal]:
    return {key.replace("_", "."): parse_quantity(text) for key, text in named.items()}


def quota(hard: dict[str, Decimal], used: dict[str, Decimal] | None = None, *scopes: str) -> Quota:
    return Quota("compute", hard, used or {}, scopes)


def judged(*quotas: Quota, ranges: tuple[LimitRange, ...] = (), standing: Standing | None = None) -> list[Check]:
    return judge("loadtest", quotas, ranges, NEED, standing)


def test_a_quota_with_room_says_how_much_of_it_is_needed() -> None:
    (check,) = judged(quota(amounts(requests_cpu="8", pods="10"), amounts(requests_cpu="1", pods="1")))
    assert check.verdict == "passed"
    assert not check.warns
    assert (
        str(check)
        == "quota compute: namespace loadtest: the plan's pods need 5 of 9 pods left; 2.6 of 7 requests.cpu left"
    )


def test_a_quota_without_room_says_what_is_left_what_is_needed_and_what_would_fit() -> None:
    (check,) = judged(quota(amounts(cpu="8"), amounts(cpu="5500m")))
    assert check == Check(
        "quota compute",
        "failed",
        "namespace loadtest: 2.5 of 8 cpu left, the plan's pods need 2.6",
        "lower workers.replicas to 2 (23 users each), or raise cpu to 8.1",
    )


def test_where_one_worker_would_have_too_many_users_only_the_quota_can_change() -> None:
    big = need_of(200, usersPerWorker=50)
    (check,) = judge("loadtest", [quota(amounts(pods="5"))], [], big, None)
    assert check.advice == "raise pods to 6"


def test_where_memory_is_short_users_can_share_actors() -> None:
    (check,) = judged(quota(amounts(requests_memory="5Gi")))
    assert check.verdict == "failed"
    assert check.advice.startswith("set workers.usersPerActor: 15, or raise requests.memory to ")


@pytest.mark.parametrize(
    ("resource", "most"),
    [
        ("pods", 5),
        ("count/pods", 5),
        ("count/rayjobs.ray.io", 1),
        ("requests.cpu", "2.6"),
        ("limits.cpu", "6"),
    ],
)
def test_what_just_fits_fits_and_less_does_not(resource: str, most: str) -> None:
    hard = Decimal(most)
    assert judged(quota({resource: hard}))[0].verdict == "passed"
    assert judged(quota({resource: hard - Decimal("0.001")}))[0].verdict == "failed"


def test_a_quota_that_is_overdrawn_leaves_nothing() -> None:
    (check,) = judged(quota(amounts(pods="3"), amounts(pods="7")))
    assert "0 of 3 pods left" in check.found


@pytest.mark.parametrize(
    ("scopes", "verdict", "warns"),
    [
        (("NotBestEffort", "NotTerminating"), "failed", False),
        (("BestEffort",), "passed", False),
        (("Terminating",), "passed", False),
        # the rendering names no priority, an overlay may
        (("PriorityClass",), "passed", True),
    ],
)
def test_scopes_say_whether_the_pods_are_counted(scopes: tuple[str, ...], verdict: str, *, warns: bool) -> None:
    (check,) = judged(quota(amounts(pods="1"), None, *scopes))
    assert (check.verdict, check.warns) == (verdict, warns)


def test_what_a_quota_counts_has_to_be_stated_unless_the_namespace_states_it() -> None:
    need = need_of(10, resources={"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}})
    counting = quota(amounts(limits_cpu="100"))
    (check,) = judge("loadtest", [counting], [], need, None)
    assert check.verdict == "failed"
    assert check.advice == "set workers.resources.limits.cpu"
    defaults = LimitRange("defaults", "Container", default_limit=amounts(cpu="2"))
    assert [one.verdict for one in judge("loadtest", [counting], [defaults], need, None)] == ["passed", "passed"]


def test_a_container_beyond_a_limit_range_is_named_with_its_bound() -> None:
    item = LimitRange("sizes", "Container", least=amounts(cpu="200m"), most=amounts(cpu="1"))
    (check,) = judged(ranges=(item,))
    assert check == Check(
        "limit range sizes",
        "failed",
        "namespace loadtest: the head's limits.cpu may be at most 1, found 2; "
        "the submitter's requests.cpu must be at least 0.2, found 0.1",
        "patch the head's resources in an overlay, or have the LimitRange changed; "
        "patch the submitter's resources in an overlay, or have the LimitRange changed",
    )


def test_a_worker_beyond_a_limit_range_is_a_matter_of_the_scenario() -> None:
    item = LimitRange("sizes", "Pod", most=amounts(memory="1Gi"), most_ratio=amounts(cpu="1500m"))
    (worker,) = [pod for pod in NEED.pods() if pod.name == "worker"]
    found = list(refusals(worker, item))
    assert found[0].found.startswith("workers.resources.requests.memory may be at most 1Gi, found ")
    assert found[-1].found == "workers.resources.limits.cpu may be at most 1.5 times the request, found 1 and 0.5"
    assert {one.advice for one in found} >= {"set workers.resources within that, or have the LimitRange changed"}


def test_limits_of_volumes_are_no_affair_of_pods() -> None:
    item = LimitRange("volumes", "PersistentVolumeClaim", most=amounts(storage="1Gi"))
    assert judged(ranges=(item,))[0].verdict == "passed"


def test_a_namespace_without_rules_is_said_to_have_none() -> None:
    assert judged() == [Check("quotas", "passed", "namespace loadtest has no quota and no limits")]


@pytest.mark.parametrize(("enough", "verdict"), [(True, "passed"), (False, "failed")])
def test_of_a_cluster_that_stands_only_what_is_missing_is_counted(verdict: str, *, enough: bool) -> None:
    tight = quota(amounts(requests_cpu="3"), amounts(requests_cpu="2.6"))
    (check,) = judged(tight, standing=Standing(workers=2, enough=enough))
    assert check.verdict == verdict
    assert check.found == "namespace loadtest: 0.4 of 3 requests.cpu left, the workers to come need 0.5"
    assert check.advice == "raise requests.cpu to 3.1"
    assert (
        judged(quota(amounts(requests_cpu="3.1"), amounts(requests_cpu="2.6")), standing=Standing(2, enough))[0].advice
        == ""
    )


@given(st.integers(0, 8_000), st.integers(0, 8_000))
def test_what_is_advised_fits_and_one_more_would_not(hard_m: int, used_m: int) -> None:
    need = MANY
    tight = quota({"requests.cpu": Decimal(hard_m) / 1000}, {"requests.cpu": Decimal(used_m) / 1000})
    (check,) = judge("loadtest", [tight], [], need, None)
    if check.verdict == "failed" and check.advice.startswith("lower"):
        replicas = int(check.advice.split()[3])
        assert all(one.fits for one in shares(tight, need.with_workers(replicas=replicas).pods(), whole=True))
        assert not all(one.fits for one in shares(tight, need.with_workers(replicas=replicas + 1).pods(), whole=True))


def test_defaults_change_only_what_is_not_stated() -> None:
    (worker,) = [pod for pod in NEED.pods() if pod.name == "worker"]
    item = LimitRange("defaults", "Container", default_limit=amounts(cpu="9", nvidia_com="1"))
    admitted = with_defaults(worker, [item])
    assert admitted.limits["cpu"] == worker.limits["cpu"]
    assert admitted.limits["nvidia.com"] == 1
