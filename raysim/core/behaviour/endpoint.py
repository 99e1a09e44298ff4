"""The endpoints that users call, in the form that travels to the actors that play them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from raysim.core.behaviour.expectation import Expectation
from raysim.core.behaviour.template import fill

EndpointKind = Literal["chat", "completions", "embeddings", "orgs", "custom"]

#: where each kind is found when a scenario does not say
PATHS: dict[EndpointKind, str] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "orgs": "/v1/orgs/{org_id}",
}
#: what the generation limit of a request is called
LIMIT_FIELDS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """One endpoint of the mix.

    Args:
        kind: what is sent and how the answer is read.
        weight: relative share of requests.
        method: the HTTP method.
        path: below the service's address; may hold `PATH_PLACEHOLDERS`.
        template: JSON fields to merge into the request's body, with placeholders; for `custom` and `orgs` the whole
            body, None for none.
        expects: what makes an answer a success; None for any 2xx.
    """

    kind: EndpointKind = "chat"
    weight: float = 1.0
    method: str = "POST"
    path: str = PATHS["chat"]
    template: Mapping[str, object] | None = None
    expects: Expectation | None = None

    @property
    def label(self) -> str:
        """Its name in the records: the kind, or the path that tells custom ones apart."""
        return self.path if self.kind == "custom" else self.kind

    @property
    def converses(self) -> bool:
        """Whether its requests are turns of a conversation."""
        return self.kind == "chat"

    @property
    def asks(self) -> bool:
        """Whether its requests hold a question."""
        return self.kind != "orgs"

    @property
    def generates(self) -> bool:
        """Whether its answers are generated token by token, so that they can be streamed and have a limit."""
        return self.kind in ("chat", "completions")

    @property
    def with_user_key(self) -> bool:
        """Whether the user's own key opens it; the organisation service wants the administrator's token instead."""
        return self.kind != "orgs"

    def streams(self, *, streaming: bool) -> bool:
        """Whether its answers are streamed in a run whose answers are, or are not, unless its template differs."""
        return self.generates and (self.template or {}).get("stream", streaming) is True

    def expectation(self, values: Mapping[str, str | int]) -> Expectation | None:
        """What is expected of the answer to one request, with placeholders filled."""
        expects = self.expects
        if expects is None or not (isinstance(expects.equals, str) or expects.contains):
            return expects
        equals = expects.equals
        if isinstance(equals, str):
            filled = fill(equals, values)
            equals = filled if isinstance(filled, str | int) else equals
        return replace(expects, contains=str(fill(expects.contains, values)), equals=equals)


#: what users call when a scenario says nothing
CHAT = EndpointPlan()
