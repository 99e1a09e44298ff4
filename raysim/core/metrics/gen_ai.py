"""Families under the names that OpenTelemetry's semantic conventions for generative AI give them.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.metrics.family import Family, Group, Kind

#: not among Prometheus's: there it is the summary `loadtest_llm_latency_seconds`. Bounds as the conventions advise
OPERATION_DURATION = Family(
    "gen_ai.client.operation.duration",
    Kind.HISTOGRAM,
    Group.LLM,
    "s",
    "end - sent, of successes",
    ("test_run", "org_id", "model", "backend"),
    bounds=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)


@dataclass(frozen=True, slots=True)
class GenAiName:
    """A name of the conventions, with the attributes that belong to it alone."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()


#: raysim's names → those under which the same values are sent besides
GEN_AI_NAMES: Mapping[str, tuple[GenAiName, ...]] = MappingProxyType(
    {
        OPERATION_DURATION.name: (GenAiName(OPERATION_DURATION.name),),
        "loadtest_llm_prompt_tokens": (GenAiName("gen_ai.client.token.usage", (("gen_ai.token.type", "input"),)),),
        "loadtest_llm_completion_tokens": (GenAiName("gen_ai.client.token.usage", (("gen_ai.token.type", "output"),)),),
        "loadtest_llm_time_to_first_token_seconds": (
            GenAiName("gen_ai.server.time_to_first_token"),
            GenAiName("gen_ai.client.operation.time_to_first_chunk"),
        ),
        "loadtest_llm_time_per_output_token_seconds": (GenAiName("gen_ai.server.time_per_output_token"),),
        "loadtest_llm_chunk_latency_seconds": (GenAiName("gen_ai.client.operation.time_per_output_chunk"),),
    }
)
_OPERATIONS = {"chat": "chat", "completions": "text_completion", "embeddings": "embeddings"}


def operation_of(behaviour: Behaviour) -> str:
    """`gen_ai.operation.name` of all that users ask of models; empty where it is not one alone."""
    kinds = {endpoint.kind for endpoint in behaviour.endpoints if endpoint.weight > 0 and endpoint.kind != "orgs"}
    return _OPERATIONS.get(kinds.pop(), "") if len(kinds) == 1 else ""
