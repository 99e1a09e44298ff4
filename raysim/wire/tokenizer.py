"""Counting tokens with a local tokenizer file, where the platform does not say how many there were."""

from __future__ import annotations

from typing import Protocol

from raysim.core.errors import PreflightError


class TokenCounter(Protocol):
    """Counts the tokens of a text."""

    def count(self, text: str) -> int:
        """How many tokens `text` has, without any that a chat template would add."""


class TokenizerError(PreflightError):
    """The tokenizer cannot be used here; the message says why."""


class FileTokenizer:
    """A tokenizer in the format of Hugging Face's `tokenizers` (usually called `tokenizer.json`).

    Args:
        path: the file, on this process's node.

    Raises:
        TokenizerError: the library is not installed, or the file cannot be read.
    """

    def __init__(self, path: str) -> None:
        try:
            # a large extension module that hardly any run needs
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:
            raise TokenizerError(
                "targets.tokenizer needs the package tokenizers", hint="pip install 'raysim[tokenizer]'"
            ) from error
        try:
            self._tokenizer = Tokenizer.from_file(path)
        except Exception as error:
            # the library raises a bare Exception, whatever is wrong
            raise TokenizerError(f"{path} is no tokenizer that can be read: {error}") from error

    def count(self, text: str) -> int:
        """How many tokens `text` has, without any that a chat template would add."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def open_tokenizer(path: str) -> TokenCounter | None:
    """The tokenizer at `path`; None for an empty path. Raises TokenizerError."""
    return FileTokenizer(path) if path else None
