"""Every family that raysim exports: the one list that the exposition, the pages and the dashboards are held against."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from raysim.core.metrics.family import Family, Group
from raysim.core.metrics.load_families import LIMIT, QUESTION, RUN, USER, WORKER
from raysim.core.metrics.model_families import BACKEND, COST, LLM

BY_GROUP: Mapping[Group, tuple[Family, ...]] = MappingProxyType(
    {
        Group.WORKER: WORKER,
        Group.USER: USER,
        Group.RUN: RUN,
        Group.LLM: LLM,
        Group.BACKEND: BACKEND,
        Group.COST: COST,
        Group.QUESTION: QUESTION,
        Group.LIMIT: LIMIT,
    }
)

#: all families, group by group
FAMILIES: tuple[Family, ...] = tuple(family for families in BY_GROUP.values() for family in families)

_BY_NAME = {family.name: family for family in FAMILIES}
_BY_EXPORTED_NAME = {name: family for family in FAMILIES for name in family.exported_names}


def family(name: str) -> Family:
    """The family of that full name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def family_of(exported: str) -> Family | None:
    """The family that exports series of that name, such as `…_bucket`; None for none of raysim's."""
    return _BY_EXPORTED_NAME.get(exported)
