"""What a simulated platform is like: its models, backends, accounts, limits and faults. Every field has a default.

Times are seconds: numbers as they are, texts in Go's style (`250ms`, `1m30s`).
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from raysim.core.pricing import KNOWN_PRICES, Price
from raysim.core.units import parse_duration
from raysim.simplatform.engine import EngineProfile

if TYPE_CHECKING:
    from typing import Self


def _seconds(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A mapping of the configuration: camelCase keys, nothing unknown, nothing changed later."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )


class LatencyFault(Section):
    """Time added to every request before it reaches a backend."""

    base: Seconds = Field(0.0, description="seconds added")
    jitter: Seconds = Field(0.0, description="uniform on base ± jitter, never below 0")


class Faults(Section):
    """What goes wrong. Rates are shares of requests, 0 to 1; all off unless set."""

    latency: LatencyFault = Field(default=LatencyFault(), description="added before a request reaches a backend")
    error_rate: Ratio = Field(0.0, description="share of inference requests answered with `errorStatus`")
    error_status: Literal[500, 502, 503] = Field(500, description="the status of those errors")
    reset_rate: Ratio = Field(0.0, description="share of inference requests whose connection is reset, unanswered")
    cut_stream_rate: Ratio = Field(0.0, description="share of streams closed at a random token before their end")
    overbill_rate: Ratio = Field(
        0.0, description="share of served requests billed, and stated, for `overbillTokens` more"
    )
    overbill_tokens: int = Field(
        1000, ge=1, le=1_000_000, description="completion tokens that were never generated, nor allowed"
    )
    slow_tokens: float = Field(1.0, ge=1, le=1000, description="factor on the time between tokens")
    burst: bool = Field(default=False, description="a stream's tokens are all written at its end, at once")
    bootstrap_delay: Seconds = Field(0.0, description="seconds added to every call that creates something")
    bootstrap_error_rate: Ratio = Field(0.0, description="share of creating calls answered 500, with nothing created")
    bootstrap_timeout_after_create_rate: Ratio = Field(
        0.0, description="share of creating calls that create, and then never answer"
    )
    unfair_org: str | None = Field(None, description="slug or name of an organisation that is served before all others")
    unfair_weight: int = Field(
        8, ge=1, le=1000, description="how many sequences each of its requests counts for in a decode step"
    )
    unready: bool = Field(default=False, description="both readiness probes answer 503")


class FaultWindow(Section):
    """Faults for a while, in place of those of the rest of the time."""

    start: Seconds = Field(
        description="seconds after the platform's start; of an embedded one after the run's second 0"
    )
    end: Seconds = Field(description="when they are over, likewise")
    faults: Faults = Field(description="what goes wrong meanwhile, instead of `faults`")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"end {self.end:g} is not after start {self.start:g}")
        return self


class OutputTokens(Section):
    """How long answers are: uniform on [min, max], drawn from the seed and the prompt."""

    min: int = Field(20, ge=1, description="tokens")
    max: int = Field(120, ge=1, description="tokens")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class ModelConfig(Section):
    """One model that the platform offers."""

    id: str = Field(min_length=1, description="the name that requests use")
    kind: Literal["chat", "embedding"] = Field("chat", description="chat models also serve /v1/completions")
    output_tokens: OutputTokens = Field(default=OutputTokens(), description="length of answers")
    input_usd_per_million: float | None = Field(None, ge=0, description="dollars; default: the built-in price table")
    output_usd_per_million: float | None = Field(None, ge=0, description="dollars; default: the built-in price table")
    context_window: int | None = Field(None, ge=1, description="tokens; default: the built-in table, else no limit")
    dimensions: int = Field(64, ge=1, le=4096, description="length of an embedding")

    @property
    def price(self) -> Price:
        """The price of its tokens, what is not given taken from the built-in table."""
        known = KNOWN_PRICES.get(self.id, Price(0.0, 0.0))
        given_input, given_output = self.input_usd_per_million, self.output_usd_per_million
        return Price(
            known.input_usd_per_million if given_input is None else given_input,
            known.output_usd_per_million if given_output is None else given_output,
            self.context_window or known.context_window,
            known.theoretical_tps,
        )

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.id not in KNOWN_PRICES and None in (self.input_usd_per_million, self.output_usd_per_million):
            raise ValueError(f"model {self.id!r} has no built-in price: set inputUsdPerMillion and outputUsdPerMillion")
        return self


class BackendConfig(Section):
    """One model server. `raysim.simplatform.engine` says how the numbers make its timing."""

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$", description="name in X-Routing-Backend and /metrics")
    models: tuple[str, ...] = Field(min_length=1, description="ids of the models it serves")
    slots: int = Field(256, ge=1, description="sequences that run at the same time")
    max_queue: int = Field(
        1000, ge=0, description="sequences that may wait; beyond it 503, which the router turns to 502"
    )
    kv_cache_tokens: int = Field(400_000, ge=1, description="tokens of prompts and answers held at the same time")
    prefill_base: Seconds = Field(0.05, description="seconds to process any prompt")
    prefill_per_token: Seconds = Field(0.00005, description="seconds more for each prompt token")
    prefill_lanes: int = Field(0, ge=0, description="prompts processed at the same time; 0: all of them")
    step_base: Seconds = Field(0.016, gt=0, description="seconds of a decode step")
    step_per_sequence: Seconds = Field(0.00006, description="seconds more for each sequence in the step")
    gpus: int = Field(1, ge=0, le=64, description="GPUs that its DCGM exporter shows")
    gpu_memory: int = Field(81_559, ge=1, description="memory of each in MiB")

    @property
    def profile(self) -> EngineProfile:
        """The same numbers, as the engine takes them."""
        return EngineProfile(
            slots=self.slots,
            max_queue=self.max_queue,
            kv_cache_tokens=self.kv_cache_tokens,
            prefill_base_s=self.prefill_base,
            prefill_per_token_s=self.prefill_per_token,
            step_base_s=self.step_base,
            step_per_sequence_s=self.step_per_sequence,
            prefill_lanes=self.prefill_lanes,
        )


class AdminConfig(Section):
    """Who may call the User/Org service."""

    email: str = Field("admin@platform.invalid", description="for /v1/auth/login")
    password: SecretStr | None = Field(None, description="for /v1/auth/login; without one nobody can log in")
    tokens: tuple[SecretStr, ...] = Field((), description="bearer tokens that never expire")
    token_ttl: Seconds = Field(3600.0, description="seconds that a token from a login is valid")


class LimitsConfig(Section):
    """What the router allows."""

    org_requests_per_second: float = Field(100.0, gt=0, description="token bucket of every organisation: refill")
    org_burst: int = Field(200, ge=1, description="token bucket of every organisation: size")
    key_requests_per_second: float = Field(100.0, gt=0, description="token bucket of every API key: refill")
    key_burst: int = Field(200, ge=1, description="token bucket of every API key: size")
    org_budget_usd: float | None = Field(None, ge=0, description="budget of a new organisation; none: no limit")
    org_request_quota: int | None = Field(None, ge=0, description="requests an organisation may send; none: no limit")


class TlsConfig(Section):
    """HTTPS instead of HTTP."""

    cert_file: str = Field(description="PEM file with the certificate chain")
    key_file: str = Field(description="PEM file with the private key")


def _default_models() -> tuple[ModelConfig, ...]:
    return (
        ModelConfig(id="gpt-4o"),
        ModelConfig(id="gpt-4o-mini"),
        ModelConfig(id="llama-3-8b-instruct"),
        ModelConfig(id="text-embedding-3-small", kind="embedding"),
    )


def _default_backends() -> tuple[BackendConfig, ...]:
    large = {"prefill_base": 0.22, "prefill_per_token": 0.0001, "step_base": 0.0125, "step_per_sequence": 0.00005}
    small = {"prefill_base": 0.12, "prefill_per_token": 0.00004, "step_base": 0.008, "step_per_sequence": 0.00003}
    return (
        BackendConfig(id="gpt-4o-0", models=("gpt-4o",), **large),
        BackendConfig(id="gpt-4o-1", models=("gpt-4o",), **large),
        BackendConfig(id="gpt-4o-mini-0", models=("gpt-4o-mini",), **small),
        BackendConfig(id="gpt-4o-mini-1", models=("gpt-4o-mini",), **small),
        BackendConfig(id="llama-3-8b-0", models=("llama-3-8b-instruct",)),
        BackendConfig(
            id="embedding-0", models=("text-embedding-3-small",), prefill_base=0.02, prefill_per_token=0.00001
        ),
    )


class PlatformConfig(Section):
    """The whole platform."""

    seed: int = Field(0, ge=0, description="decides answers' lengths and texts and where faults strike")
    mode: Literal["modern", "aiaas", "litellm"] = Field(
        "modern",
        description="`aiaas`: the router as the real one is today, without streaming; `litellm`: teams, users, keys "
        "and errors as a LiteLLM proxy has them",
    )
    models: tuple[ModelConfig, ...] = Field(
        default_factory=_default_models, min_length=1, description="what can be asked for"
    )
    backends: tuple[BackendConfig, ...] = Field(
        default_factory=_default_backends, min_length=1, description="the model servers behind the router"
    )
    admin: AdminConfig = Field(default=AdminConfig(), description="who may create organisations, users and keys")
    limits: LimitsConfig = Field(default=LimitsConfig(), description="what the router allows")
    faults: Faults = Field(default=Faults(), description="what goes wrong from the start")
    fault_windows: tuple[FaultWindow, ...] = Field((), description="what goes wrong for a while")
    deletes: bool = Field(
        default=False, description="DELETE of an organisation or user really deletes (the real service: 405)"
    )
    lookups: bool = Field(
        default=True,
        description="users can be found by their address and an organisation's keys listed, as in later revisions of "
        "the real service; off: 404 and 501, as in earlier ones",
    )
    bootstrap_delay: Seconds = Field(0.0, description="seconds that an invite takes, for the password hashing")
    revocation_delay: Seconds = Field(
        0.0, description="seconds until the router hears of a revoked key (the real one: up to 60)"
    )
    early_headers: bool = Field(
        default=False, description="a stream's headers and role-only chunk are sent at once, before its first token"
    )
    sim_token: SecretStr | None = Field(None, description="X-Sim-Token that /sim/* then demands")
    ledger_entries: int = Field(200_000, ge=0, description="most requests that /sim/ledger?requests=1 can list")
    tls: TlsConfig | None = Field(None, description="serve HTTPS")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, ids in (("model", [m.id for m in self.models]), ("backend", [b.id for b in self.backends])):
            twice = sorted(name for name, times in Counter(ids).items() if times > 1)
            if twice:
                raise ValueError(f"{what} ids must be unique; twice: {', '.join(twice)}")
        windows = sorted(self.fault_windows, key=lambda window: window.start)
        for earlier, later in pairwise(windows):
            if later.start < earlier.end:
                raise ValueError(f"faultWindows overlap: one ends at {earlier.end:g}, one starts at {later.start:g}")
        known = {model.id for model in self.models}
        for backend in self.backends:
            unknown = sorted(set(backend.models) - known)
            if unknown:
                raise ValueError(f"backend {backend.id!r} serves {', '.join(unknown)}, which `models` does not list")
        return self
