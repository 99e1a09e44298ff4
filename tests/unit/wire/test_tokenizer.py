from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from raysim.wire.tokenizer import FileTokenizer, TokenizerError, open_tokenizer


@pytest.fixture
def words(tmp_path: Path) -> str:
    """A tokenizer that counts words and marks."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "hello": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return str(path)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("hello", 1), ("Why hello, there?", 5)])
def test_it_counts(words: str, text: str, tokens: int) -> None:
    assert FileTokenizer(words).count(text) == tokens


def test_no_path_is_no_counter() -> None:
    assert open_tokenizer("") is None


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_a_file_that_is_none_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is no tokenizer that can be read: "):
        open_tokenizer(str(path))


def test_a_missing_library_comes_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(TokenizerError) as caught:
        open_tokenizer("tokenizer.json")
    assert caught.value.hint == "pip install 'raysim[tokenizer]'"
