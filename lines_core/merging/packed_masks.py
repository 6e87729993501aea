"""Masks over all weights of a model, one bit an entry: a mask of ViT-L/14 takes 43 MB instead of 343."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from lines_core.errors import MergeError

_SLICE = 1 << 20
"""Entries packed at a time, so that what lies in between stays in the processor's cache."""

# Eight truth values side by side are one little-endian number, entry i its bit 8i. The factor has the bits
# 9k, k = 0..7, so in the product entry i is at 8i + 9k, for k = 7 - i at 63 - i: the top byte has all eight,
# the first entry highest. Backwards, bit 8i + 7 of byte * factor is bit 7 - i of the byte. No two terms meet
# in a bit, since 8 and 9 have no common divisor, so nothing is carried.
_SPREAD = 0x8040_2010_0804_0201 - (1 << 64)
_LOWEST_BITS = 0x0101_0101_0101_0101
_BITS_SET = torch.tensor([value.bit_count() for value in range(256)])


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A mask of `size` entries, eight to a byte, the first in the highest bit, as numpy.packbits has them.

    The bits are shared, not copied, and must not be written to.

    Attributes:
        bits: uint8 tensor of shape (ceil(size / 8),); bits beyond the last entry are zero.
        size: number of entries.
    Raises: MergeError if the bits are anything else.
    """

    bits: Tensor
    size: int

    def __post_init__(self) -> None:
        if self.bits.dtype != torch.uint8 or self.bits.shape != (-(-self.size // 8),):
            raise MergeError(
                f"A mask of {self.size:,} entries takes {-(-self.size // 8):,} bytes in a row (uint8), "
                f"got {self.bits.dtype} of shape {tuple(self.bits.shape)}."
            )
        if self.size % 8 and int(self.bits[-1]) & (0xFF >> self.size % 8):
            raise MergeError(
                f"Bits beyond the last of {self.size:,} entries are set: it was packed from more."
            )

    def unpack(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Entries `start` to before `stop` as a bool tensor; the others are not touched.

        Args:
            stop: the end of the mask if None.
        Raises: MergeError if they are not within the mask.
        Cost: memory for the result alone; 1 ns an entry or less.
        """
        stop = self.size if stop is None else stop
        if not 0 <= start <= stop <= self.size:
            raise MergeError(f"The mask has {self.size:,} entries, asked for {start:,} to {stop:,}.")
        first = start // 8
        eights = self.bits[first : -(-stop // 8)].long()
        eights.mul_(_SPREAD).bitwise_right_shift_(7).bitwise_and_(_LOWEST_BITS)
        return eights.view(torch.bool)[start - 8 * first : stop - 8 * first]

    def count(self) -> int:
        """Number of entries that are on."""
        return int((torch.bincount(self.bits, minlength=256) * _BITS_SET.to(self.bits.device)).sum())

    def __and__(self, other: "PackedMask") -> "PackedMask":
        """Entries that are on in both. Raises: MergeError if the sizes differ."""
        self._check(other)
        return PackedMask(self.bits & other.bits, self.size)

    def __or__(self, other: "PackedMask") -> "PackedMask":
        """Entries that are on in either. Raises: MergeError if the sizes differ."""
        self._check(other)
        return PackedMask(self.bits | other.bits, self.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedMask):
            return NotImplemented
        return self.size == other.size and torch.equal(self.bits, other.bits)

    def _check(self, other: "PackedMask") -> None:
        if self.size != other.size:
            raise MergeError(
                f"The masks have {self.size:,} and {other.size:,} entries, expected equally many."
            )


def pack(mask: Tensor) -> PackedMask:
    """The mask (n,) of truth values, packed.

    Raises: MergeError if it is not a one-dimensional bool tensor.
    Cost: one read; 1 bit an entry for the result, twice that at the peak.
    """
    return pack_slices([mask])


def pack_slices(slices: Iterable[Tensor]) -> PackedMask:
    """One mask of slices that follow one another, packed as they come: none need be in memory with the next.

    Args:
        slices: bool tensors (k,) of any lengths, on one device.
    Raises: MergeError if one is not a one-dimensional bool tensor.
    Cost: each slice is read once, and copied where the ones before it do not end at a whole byte.
    """
    size = 0
    packed: list[Tensor] = []
    begun: Tensor | None = None  # fewer than eight entries, which the next slice has to complete
    for entries in slices:
        if entries.dtype != torch.bool or entries.ndim != 1:
            raise MergeError(
                f"A mask is a one-dimensional bool tensor, got {entries.dtype} of {tuple(entries.shape)}."
            )
        size += entries.numel()
        joined = entries if begun is None else torch.cat([begun, entries])
        whole = joined.numel() // 8 * 8
        packed.append(_bytes(joined[:whole]))
        begun = joined[whole:].clone() if whole < joined.numel() else None
    if begun is not None:
        packed.append(_bytes(torch.nn.functional.pad(begun, (0, 8 - begun.numel()))))
    return PackedMask(torch.cat(packed) if packed else torch.empty(0, dtype=torch.uint8), size)


def _bytes(entries: Tensor) -> Tensor:
    """Truth values, a multiple of eight of them, as bytes."""
    packed = torch.empty(entries.numel() // 8, dtype=torch.uint8, device=entries.device)
    for start in range(0, entries.numel(), _SLICE):
        part = entries[start : start + _SLICE]
        aligned = part.contiguous() if part.storage_offset() % 8 == 0 else part.clone()
        eights = aligned.view(torch.int64) * _SPREAD
        packed[start // 8 : start // 8 + eights.numel()] = eights.bitwise_right_shift_(56)
    return packed
