"""The quick form of a run: a handful of options in place of a scenario file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from raysim.core.config.behaviour import ConversationSpec
from raysim.core.config.scenario import API_VERSION, KIND
from raysim.core.errors import ConfigError, Problem
from raysim.core.pricing import KNOWN_PRICES

if TYPE_CHECKING:
    from raysim.core.config.reading import Document

#: users that share an actor: memory for many, and still few enough for one event loop
_MOST_PER_ACTOR = 50
#: tokens that a question alone has at most
_ORDINARY_PROMPT = 100
#: what `--goodput` can bound
_SLO = ("ttft", "tpot", "latency")

#: which option a path of the scenario comes from, the more particular first
_OPTION_OF = (
    ("spec.targets.apiRouterUrl", "--url"),
    ("spec.targets.apiKeys", "--api-key-env"),
    ("spec.userBehavior.modelPreferences", "--model"),
    ("spec.userBehavior.maxTokensPerRequest", "--osl"),
    ("spec.userBehavior.promptTokens", "--isl"),
    ("spec.users.perOrg", "--concurrency"),
    ("spec.loadPattern.arrivals", "--request-rate"),
    ("spec.slo", "--goodput"),
    ("spec.loadPattern.phases[sustained].duration", "--duration"),
    ("spec.loadPattern.phases[warm-up].duration", "--warmup"),
)


@dataclass(frozen=True, slots=True)
class QuickForm:
    """What the options say.

    `concurrency` users ask without pause, each with one request in flight. `request_rate` is in requests/s, `isl` and
    `osl` (the lengths of prompts and answers) in tokens; durations are text such as `30s`. `goodput` is an SLO such as
    `ttft:200ms tpot:50ms`.
    """

    url: str
    model: str
    concurrency: int
    duration: str
    osl: int
    isl: int | None = None
    request_rate: float | None = None
    warmup: str | None = None
    api_key_env: str | None = None
    goodput: str | None = None

    def document(self) -> Document:
        """The scenario as a document, with what the options say and nothing that is a default."""
        behaviour: dict[str, Any] = {
            "thinkTimeSeconds": {"base": 0},
            "conversation": {"multiTurnProbability": 0},
            "modelPreferences": [{"model": self.model}],
            "maxTokensPerRequest": {"base": self.osl},
        }
        if self.isl is not None:
            behaviour["promptTokens"] = {"base": self.isl}
        if (context := (self.isl or _ORDINARY_PROMPT) + self.osl) > ConversationSpec().context_limit_tokens:
            behaviour["conversation"]["contextLimitTokens"] = context
        spec: dict[str, Any] = {
            "organizations": {"count": 1},
            "users": {"perOrg": {"min": self.concurrency, "max": self.concurrency}},
            "userBehavior": behaviour,
            "loadPattern": self._load_pattern(),
            "workers": {"usersPerActor": max(1, min(_MOST_PER_ACTOR, self.concurrency)), "usersPerWorker": 50},
            "targets": self._targets(),
        }
        if self.goodput is not None:
            spec["slo"] = self._slo()
        if self.model not in KNOWN_PRICES:
            spec["models"] = {self.model: {"inputUsdPerMillion": 0, "outputUsdPerMillion": 0}}
            spec["limits"] = {"maxCostUsd": None}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "quick"}, "spec": spec}

    def _load_pattern(self) -> dict[str, Any]:
        warmup = [] if self.warmup is None else [{"name": "warm-up", "duration": self.warmup}]
        phases = [*warmup, {"name": "sustained", "duration": self.duration}]
        pattern: dict[str, Any] = {"type": "steady", "phases": phases}
        if self.request_rate is not None:
            pattern["arrivals"] = {"mode": "poisson", "requestsPerSecond": self.request_rate}
        return pattern

    def _slo(self) -> dict[str, str]:
        """`ttft:200ms tpot:50ms` as the scenario has it. Raises ConfigError."""
        parts = [part.partition(":") for part in (self.goodput or "").replace(",", " ").split()]
        for name, _, limit in parts:
            if name not in _SLO or not limit:
                named = f"{name}:{limit}" if limit else name
                meant = " (did you mean latency:…?)" if name in ("e2el", "e2e") else ""
                raise ConfigError(
                    [
                        Problem(
                            "--goodput",
                            f"found {named!r}; expected times such as 'ttft:200ms tpot:50ms latency:3s'{meant}",
                        )
                    ]
                )
        return {name: limit for name, _, limit in parts}

    def _targets(self) -> dict[str, Any]:
        # an address is often given as OpenAI's own clients want it
        url = self.url.rstrip("/").removesuffix("/v1")
        targets: dict[str, Any] = {"platform": "static", "apiRouterUrl": url}
        if self.api_key_env is not None:
            targets["apiKeys"] = {"env": self.api_key_env}
        return targets

    def price_note(self) -> str:
        """At which price tokens are counted, in a sentence."""
        price = KNOWN_PRICES.get(self.model)
        if price is None:
            return f"no price is known for {self.model}: tokens count as free, and no cost limit holds"
        return (
            f"{self.model} is counted at ${price.input_usd_per_million:g} for a million prompt tokens and "
            f"${price.output_usd_per_million:g} for a million generated ones, its list price"
        )

    def as_option(self, problem: Problem) -> Problem:
        """`problem` in terms of the option that caused it, when one did."""
        phases = ["sustained"] if self.warmup is None else ["warm-up", "sustained"]
        path = problem.path
        for index, name in enumerate(phases):
            path = path.replace(f"phases[{index}]", f"phases[{name}]")
        option = next((option for start, option in _OPTION_OF if path.startswith(start)), None)
        if option is None:
            return problem
        return replace(problem, path=option)
