"""The shape of completions: of a stream's chunk or a whole answer, the fields that are looked at. Pure, no I/O."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: beyond this a count is not one, and would not fit a record
_MOST_TOKENS = 2**31 - 1
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=_MOST_TOKENS)]
#: stands where there is no `error` field at all
NO_ERROR = msgspec.Raw(b"")


class _PromptDetails(msgspec.Struct):
    cached_tokens: _Tokens | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: _Tokens | None = None


class Usage(msgspec.Struct):
    """Token counts as the server states them."""

    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    @property
    def cached_tokens(self) -> int | None:
        """Prompt tokens that came from a prefix cache, where stated."""
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None

    @property
    def reasoning_tokens(self) -> int | None:
        """Completion tokens spent on reasoning, where stated."""
        return self.completion_tokens_details.reasoning_tokens if self.completion_tokens_details else None


class Piece(msgspec.Struct):
    """A delta of a stream, or the message of a whole answer."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class Choice(msgspec.Struct):
    """One of the answers that were asked for."""

    delta: Piece | None = None
    message: Piece | None = None
    text: str | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """A chunk of a stream or a whole answer."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    #: a union of Raw and None would take None alone
    error: msgspec.Raw = NO_ERROR
    object: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether it is an error in a completion's place."""
        return self.object == "error" or bytes(self.error) not in (b"", b"null")


decode_completion = msgspec.json.Decoder(Completion).decode

#: what `decode_completion` raises for anything else: besides msgspec's own errors, which are ValueErrors like the
#: UnicodeDecodeError for text that is not UTF-8, there is RecursionError for absurd nesting
DECODE_ERRORS = (ValueError, RecursionError)
