"""Flat weight vectors as small files, bit for bit: byte planes, compressed with gzip.

The bytes of a number differ in how predictable they are, so all first bytes come first, then all second
bytes, and so on: gzip then finds more to save. `static/engine/packed_vectors.js` is the inverse.
"""

import gzip
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HALF, DIFFERENCE, SINGLE = "half", "difference", "single"
"""Forms of a packed vector: float16 bits, differences of float16 bits to those of theta_0, float32 bits."""
LEVEL = 6
"""Of gzip: 9 takes three times as long, and saves 0.5 % of a residual."""


class PackedVector(NamedTuple):
    """A packed vector: its form and the content of its file."""

    form: str
    content: bytes


def pack_weights(weights: Tensor) -> PackedVector:
    """Weights, float32 of shape (numel,), in half the size if each is a float16 number."""
    halves = weights.half()
    if torch.equal(halves.float(), weights):
        return PackedVector(HALF, _packed(_bits(halves)))
    return PackedVector(SINGLE, _packed(_bits(weights)))


def pack_residual(residual: Tensor, pretrained: Tensor) -> PackedVector:
    """A residual of a checkpoint or of a merge, float32 of shape (numel,).

    If theta_0 and theta_0 + tau are float16 numbers, as in checkpoints that were stored so, it is the
    difference of their bits as integers, modulo 2^16: small, because fine-tuning changes few of the leading
    bits. Differences 0, -1, 1, -2, ... are written as 0, 1, 2, 3, ..., so that most upper bytes are zero. Any
    other residual is written as it is.

    Args:
        residual: tau.
        pretrained: theta_0, of the same layout.
    """
    base, finetuned = pretrained.half(), (pretrained + residual).half()
    exact = torch.equal(base.float(), pretrained) and _same_bits(finetuned.float() - pretrained, residual)
    if not exact:
        return PackedVector(SINGLE, _packed(_bits(residual)))
    difference = (_bits(finetuned) - _bits(base)).view(np.int16)
    return PackedVector(DIFFERENCE, _packed(((difference << 1) ^ (difference >> 15)).view(np.uint16)))


def compress(content: bytes) -> bytes:
    """The content in gzip's format; equal contents give equal bytes."""
    return gzip.compress(content, LEVEL, mtime=0)


def _same_bits(left: Tensor, right: Tensor) -> bool:
    return bool(np.array_equal(_bits(left), _bits(right)))


def _bits(values: Tensor) -> NDArray[Any]:
    numbers: NDArray[Any] = values.detach().cpu().contiguous().numpy()
    return numbers.view(np.uint16 if numbers.itemsize == 2 else np.uint32)


def _packed(bits: NDArray[Any]) -> bytes:
    planes = bits.astype(bits.dtype.newbyteorder("<")).view(np.uint8).reshape(len(bits), bits.itemsize).T
    return compress(planes.tobytes())
