"""What has been freed is given back, with gaps too."""

import ctypes
import sys

import pytest

from serving.memory import resident_bytes, return_freed_memory

PIECE = 60_000
"""Bytes: the C library takes so few from an area of its own, not from the system."""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not on glibc"
)
def test_what_lies_between_is_given_back() -> None:
    pieces = [bytearray(b"x" * PIECE) for _ in range(2000)]
    left = pieces[::50]
    del pieces
    kept = resident_bytes()
    assert return_freed_memory()
    assert kept - resident_bytes() > 0.8 * 2000 * PIECE
    assert all(len(piece) == PIECE for piece in left)
