"""`spec.targets`: the platform under test and how it is spoken to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue, model_validator

from raysim.core.config.base import Count, EnvName, Flag, Name, Part, Positive, PositiveDuration, Url

if TYPE_CHECKING:
    from collections.abc import Iterator

Platform = Literal["aiaas", "litellm", "static", "embedded"]

#: where the administrator's token is looked for when the scenario does not say
DEFAULT_TOKEN_ENV = "RAYSIM_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a secret


#: of a simulated platform's configuration, what a run that starts one decides itself
_MADE_FOR_THE_RUN = ("admin", "simToken", "tls")
_SERVICE = {"apiRouterUrl": "API router", "userOrgUrl": "user/org service"}


class LoginSpec(Part):
    """Log in with an e-mail address and a password from the environment or a file."""

    email: Name = Field(description="address of the administrator")
    password_env: EnvName | None = Field(None, description="environment variable that holds the password")
    password_file: str | None = Field(None, description="file that holds the password")
    org_id: str | None = Field(None, description="organisation to log in to; the account's own by default")
    client_id: str | None = Field(None, description="OAuth client; the platform's default one by default")
    client_secret_env: EnvName | None = Field(None, description="environment variable that holds its secret")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Not exactly one place for the password."""
        if (self.password_env is None) == (self.password_file is None):
            yield "", "give passwordEnv or passwordFile, one of the two"


class AuthSpec(Part):
    """Where the administrator's credential comes from; never the credential itself."""

    token_env: EnvName | None = Field(None, description="environment variable that holds an access token")
    token_file: str | None = Field(None, description="file that holds an access token, read again when it expires")
    login: LoginSpec | None = Field(None, description="log in for a token, and again before it expires")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Not exactly one source."""
        given = [
            key
            for key, value in (("tokenEnv", self.token_env), ("tokenFile", self.token_file), ("login", self.login))
            if value is not None
        ]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            yield "", f"found {found}; give exactly one of tokenEnv, tokenFile, login"


def _default_auth() -> AuthSpec:
    return AuthSpec(token_env=DEFAULT_TOKEN_ENV)


class TargetKeysSpec(Part):
    """Where users' keys come from on a platform that has no tenants of its own (`static`).

    They are read where the run's coordinator is: in the environment of the Ray node that starts the run.
    """

    env: EnvName | None = Field(None, description="environment variable that holds one key, or one on each line")
    file: str | None = Field(
        None, description="file that holds one key, or one on each line: the n-th user gets the n-th"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Not exactly one source."""
        if (self.env is None) == (self.file is None):
            yield "", "give env or file, one of the two"


class TlsSpec(Part):
    """How certificates are checked, and which is shown."""

    verify: Flag = Field(default=True, description="whether certificates are checked; off only for a test set-up")
    ca_file: str | None = Field(None, description="certificates to trust, PEM; the system's by default")
    cert_file: str | None = Field(None, description="client certificate, PEM; none by default")
    key_file: str | None = Field(None, description="private key of the client certificate, PEM")

    def problems(self) -> Iterator[tuple[str, str]]:
        """A key without its certificate."""
        if self.key_file is not None and self.cert_file is None:
            yield "certFile", "is required beside keyFile"


class TimeoutsSpec(Part):
    """How long a user waits. All in seconds once read."""

    connect: PositiveDuration = Field(5.0, description="for DNS, TCP and TLS together; longer means it is down")
    first_token: PositiveDuration = Field(30.0, description="for the first token after the request was sent")
    total: PositiveDuration = Field(120.0, description="for the whole answer; longer than any user would wait")

    def problems(self) -> Iterator[tuple[str, str]]:
        """A part that is longer than the whole."""
        if self.first_token > self.total:
            yield "firstToken", "is longer than total; a request is given up at total"


class BackendSpec(Part):
    """A backend whose own metrics are to be read."""

    id: Name = Field(description="name of the backend in the report, as the router's headers give it")
    metrics_url: Url = Field(description="address of its metrics page")
    kind: Literal["vllm", "sglang", "tgi", "llamacpp", "litellm", "router", "dcgm"] = Field(
        description="whose metric names it uses"
    )
    model: str | None = Field(None, description="model it serves; as its metrics say by default")
    gpu_type: str | None = Field(None, description="label for the report")
    theoretical_tps: Positive | None = Field(
        None, description="tokens/s that the whole backend could generate, for the efficiency ratio"
    )
    capacity: Count | None = Field(
        None, description="sequences that it runs at the same time at most, for its saturation; not known by default"
    )
    token_env: EnvName | None = Field(
        None, description="environment variable that holds a bearer token for the page; none by default"
    )


class TargetsSpec(Part):
    """The platform under test."""

    platform: Platform = Field(
        "embedded",
        description="which contract the platform follows; aiaas when an address is given, else embedded: a simulated "
        "platform that is started for the run",
    )
    api_router_url: Url | None = Field(None, description="address of the API router, which answers users' requests")
    user_org_url: Url | None = Field(None, description="address of the user/org service, which makes tenants")
    budget_service_url: Url | None = Field(
        None, description="address of the budget service; preflight asks it how it is"
    )
    analytics_service_url: Url | None = Field(
        None, description="address of the analytics service; preflight asks it how it is"
    )
    auth: AuthSpec = Field(
        default_factory=_default_auth,
        description="where the administrator's credential is found (a LiteLLM proxy's master key); "
        f"{DEFAULT_TOKEN_ENV} by default, "
        "not used on the embedded platform and on a static one",
    )
    api_keys: TargetKeysSpec | None = Field(
        None,
        description="where users' keys are found on a static platform; when there are fewer keys than users they are "
        "shared in turn; none by default: requests then carry no key",
    )
    tls: TlsSpec = Field(default_factory=TlsSpec, description="how certificates are checked")
    timeouts: TimeoutsSpec = Field(default_factory=TimeoutsSpec, description="how long a user waits")
    new_connection_per_request: Flag = Field(
        default=False, description="whether every request opens a connection; off, as real clients keep theirs"
    )
    tokenizer: str | None = Field(
        None, description="local tokenizer file that counts tokens when the platform does not; none by default"
    )
    system_prompt: str = Field("", description="system message at the start of every conversation; none by default")
    streaming: Flag = Field(
        default=True, description="whether answers are streamed; on, because time to first token needs it"
    )
    simulated: dict[str, JsonValue] | None = Field(
        None,
        description="what the embedded platform is like: keys of its own [configuration](simulated-platform.md"
        "#configuration), without admin, simToken and tls; an ordinary one by default",
    )
    backends: tuple[BackendSpec, ...] = Field((), description="backends whose own metrics are read")

    @model_validator(mode="before")
    @classmethod
    def _platform_from_addresses(cls, data: object) -> object:
        if not isinstance(data, dict) or data.get("platform") is not None:
            return data
        keys = ("apiRouterUrl", "userOrgUrl", "api_router_url", "user_org_url")
        platform = "aiaas" if any(data.get(key) is not None for key in keys) else "embedded"
        return {**data, "platform": platform}

    def problems(self) -> Iterator[tuple[str, str]]:
        """Addresses that the platform needs, or that have no meaning for it."""
        addresses = (("apiRouterUrl", self.api_router_url), ("userOrgUrl", self.user_org_url))
        if self.platform == "embedded":
            for key, value in addresses:
                if value is not None:
                    yield key, "has no meaning for the embedded platform; remove it or set platform: aiaas"
        yield from self._simulated_problems()
        yield from self._backend_problems()
        if self.platform == "litellm" and self.auth.login is not None:
            yield "auth.login", "has no meaning on litellm; name the master key with tokenEnv or tokenFile"
        if self.platform == "static":
            yield from self._static_problems()
        elif self.api_keys is not None:
            yield "apiKeys", f"has no meaning on platform {self.platform}, where users create keys of their own"
        if self.platform == "embedded":
            return
        needed = 2 if self.platform == "aiaas" else 1
        for key, value in addresses[:needed]:
            if value is None:
                yield key, f"is required on platform {self.platform}: the address of its {_SERVICE[key]}"

    def _backend_problems(self) -> Iterator[tuple[str, str]]:
        """Two pages that nobody could tell apart."""
        pages = Counter((backend.id, backend.kind) for backend in self.backends)
        for place, backend in enumerate(self.backends):
            if pages[backend.id, backend.kind] > 1:
                message = f"{backend.id} has another {backend.kind} page; give each an id of its own"
                yield f"backends[{place}].id", message

    def _simulated_problems(self) -> Iterator[tuple[str, str]]:
        """A simulated platform that is not started, or whose doors the run could not open."""
        if self.simulated is None:
            return
        if self.platform != "embedded":
            yield "simulated", f"has no meaning on platform {self.platform}; remove it or set platform: embedded"
        for key in _MADE_FOR_THE_RUN:
            if key in self.simulated:
                yield f"simulated.{key}", "is made for each run; leave it out"

    def _static_problems(self) -> Iterator[tuple[str, str]]:
        """What a platform without tenants of its own cannot use."""
        if self.user_org_url is not None:
            yield "userOrgUrl", "has no meaning on a static platform: nothing is created there; remove it"
        if self.auth != _default_auth():
            yield "auth", "has no meaning on a static platform; name users' keys under apiKeys"
        if (self.api_router_url or "").endswith("/v1"):
            yield "apiRouterUrl", f"found {self.api_router_url!r}; raysim adds /v1 itself, leave it out"
