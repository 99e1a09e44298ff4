from __future__ import annotations

import pytest

from raysim.simplatform.admission import Admission, Budget, Denial, Pass
from raysim.simplatform.config import LimitsConfig


def test_an_organisation_and_a_key_have_a_bucket_each() -> None:
    admission = Admission(LimitsConfig(org_requests_per_second=10, org_burst=3, key_requests_per_second=1, key_burst=2))
    assert admission.rate("o", "k1", 0.0) == Pass(1, 1)
    assert admission.rate("o", "k1", 0.0) == Pass(1, 0)
    denied = admission.rate("o", "k1", 0.0)
    assert denied == Denial("rate_limit", 2, 2, "api_key_requests_per_second", 1, 1.0)
    # the refusal took nothing from the organisation's bucket: one more key, one more request
    assert isinstance(admission.rate("o", "k2", 0.0), Pass)
    denied = admission.rate("o", "k3", 0.0)
    assert isinstance(denied, Denial)
    assert denied.quota_type == "organization_requests_per_second"


@pytest.mark.parametrize(("rate", "retry_after"), [(100.0, 1), (1.0, 1), (0.4, 3), (0.1, 10)])
def test_retry_after_is_honest(rate: float, retry_after: int) -> None:
    limits = LimitsConfig(org_requests_per_second=rate, org_burst=1)
    admission = Admission(limits)
    admission.rate("o", "k", 0.0)
    denied = admission.rate("o", "k", 0.0)
    assert isinstance(denied, Denial)
    assert denied.retry_after_s == retry_after
    assert isinstance(admission.rate("o", "k", float(retry_after)), Pass)


def test_a_budget_counts_prompts_under_way_and_refuses_from_its_limit_on() -> None:
    admission = Admission(LimitsConfig(org_budget_usd=1.0))
    first = admission.spend("o", 0.6, 0.0)
    assert isinstance(first, Budget)
    second = admission.spend("o", 0.5, 0.0)
    assert isinstance(second, Budget)
    denied = admission.spend("o", 0.1, 0.0)
    assert isinstance(denied, Denial)
    assert (denied.kind, denied.limit) == ("budget", 1.0)
    assert denied.usage == pytest.approx(1.1)
    first.settle(0.6, 0.0)
    assert isinstance(admission.spend("o", 0.1, 0.0), Budget)
    assert isinstance(admission.spend("other", 0.1, 0.0), Budget)


def test_settled_prompts_leave_no_residue() -> None:
    budget = Budget(None)
    for _ in range(1000):
        budget.begin(0.1)
    for _ in range(1000):
        budget.settle(0.1, 0.2)
    assert budget.recorded_usd == pytest.approx(200.0, rel=1e-9)
    assert budget.prompts_usd == 0.0


def test_a_quota_counts_requests() -> None:
    admission = Admission(LimitsConfig(org_request_quota=1))
    assert isinstance(admission.spend("o", 0.0, 0.0), Budget)
    denied = admission.spend("o", 0.0, 0.0)
    assert isinstance(denied, Denial)
    assert (denied.kind, denied.usage, denied.limit) == ("quota", 1, 1)
