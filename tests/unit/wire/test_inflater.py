from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.wire.inflater import PIECE_BYTES, Inflater


@given(st.binary(max_size=500), st.lists(st.integers(min_value=0, max_value=600), max_size=5))
def test_any_split_unpacks_the_same(data: bytes, cuts: list[int]) -> None:
    for coding, packed in (("gzip", gzip.compress(data)), ("deflate", zlib.compress(data))):
        bounds = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
        inflater = Inflater(coding)
        pieces = [b"".join(inflater.pieces(packed[a:b])) for a, b in pairwise(bounds)]
        assert b"".join(pieces) == data


def test_several_packed_bodies_in_a_row() -> None:
    assert b"".join(Inflater("x-gzip").pieces(gzip.compress(b"one ") + gzip.compress(b"two"))) == b"one two"


def test_what_was_flushed_comes_at_once() -> None:
    packer = zlib.compressobj(wbits=31)
    inflater = Inflater("gzip")
    for text in (b"data: a\n\n", b"data: b\n\n"):
        packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.pieces(packed)) == text


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES])
def test_a_bomb_goes_off_in_small_pieces(size: int) -> None:
    pieces = list(Inflater("gzip").pieces(gzip.compress(bytes(size))))
    assert sum(map(len, pieces)) == size
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_what_is_not_packed_is_an_error() -> None:
    with pytest.raises(zlib.error):
        list(Inflater("gzip").pieces(b'{"plain": "text"}'))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", ""])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(ValueError, match="was not asked for"):
        Inflater(coding)
