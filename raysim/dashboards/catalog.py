"""All dashboards, in the order in which they are listed."""

from __future__ import annotations

from raysim.dashboards.boards.backends import BACKENDS
from raysim.dashboards.boards.cost import COST
from raysim.dashboards.boards.errors import ERRORS
from raysim.dashboards.boards.generator import GENERATOR
from raysim.dashboards.boards.llm import LLM
from raysim.dashboards.boards.models import MODELS
from raysim.dashboards.boards.overview import OVERVIEW
from raysim.dashboards.boards.performance import PERFORMANCE
from raysim.dashboards.boards.tenants import TENANTS

DASHBOARDS = (OVERVIEW, PERFORMANCE, COST, ERRORS, LLM, BACKENDS, MODELS, TENANTS, GENERATOR)
