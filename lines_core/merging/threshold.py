"""Exact k-th smallest magnitude of a vector by counting, without sorting or copying it.

The bits of a non-negative float32, as an integer, keep the order of the floats. The first of two passes
counts the upper 16 bits of every magnitude and finds the group of the k-th one, the second counts the lower
16 bits within that group. Equal magnitudes, zeros and denormal numbers need no special case.
"""

import struct
from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.slices import each_slice, slice_length

_MAGNITUDE = 0x7FFF_FFFF
_GROUPS = 1 << 15
_INSIDE = 1 << 16
_FIRST_NOT_FINITE = 0x7F80
_LANES = 4


def kth_magnitudes(vector: Tensor, ranks: Sequence[int]) -> list[float]:
    """The magnitudes of the given ranks; rank 1 is the smallest, as in `torch.kthvalue`.

    Args:
        vector: (numel,) float32.
        ranks: each from 1 to numel.
    Raises: MergeError for another rank, or if the vector holds NaN or infinity.
    Cost: two reads of the vector for all ranks together.
    """
    search = MagnitudeSearch(ranks, len(vector), vector)
    search.count(vector)
    search.refine(vector)
    return search.magnitudes()


class MagnitudeSearch:
    """Search for the magnitudes of some ranks in a vector that may come in parts: all of it to `count`, then
    all of it once more to `refine`.

    Args:
        ranks: each from 1 to numel.
        numel: length of the whole vector.
        like: a vector with the length and device of the longest part.
    Raises: MergeError for another rank.
    """

    def __init__(self, ranks: Sequence[int], numel: int, like: Tensor) -> None:
        for rank in ranks:
            if not 1 <= rank <= numel:
                raise MergeError(f"Ranks run from 1 to {numel}, got {rank}.")
        self._ranks, self._like = ranks, like
        self._counts = _Counts(like, _GROUPS)
        self._inside: dict[int, _Counts] | None = None

    def count(self, vector: Tensor) -> None:
        """First read of a part, float32. The parts may come in any order."""
        for part, (bits, *scratch) in each_slice(vector, torch.int32, torch.int64):
            torch.bitwise_and(vector[part].view(torch.int32), _MAGNITUDE, out=bits)
            self._counts.add(bits.bitwise_right_shift_(16), *scratch)

    def refine(self, vector: Tensor) -> None:
        """Second read of a part. Raises: MergeError if the first reads found NaN or infinity."""
        if self._inside is None:
            self._inside = self._found_groups()
        # one more on either side, for everything below and above the group
        for part, (bits, offset, *scratch) in each_slice(vector, torch.int32, torch.int32, torch.int64):
            torch.bitwise_and(vector[part].view(torch.int32), _MAGNITUDE, out=bits)
            for group, within in self._inside.items():
                torch.sub(bits, (group << 16) - 1, out=offset).clamp_(0, _INSIDE + 1)
                within.add(offset, *scratch)

    def magnitudes(self) -> list[float]:
        """The magnitudes of the ranks."""
        assert self._inside is not None
        magnitudes = []
        for rank, group, before in zip(self._ranks, self._groups, self._below, strict=True):
            ends = self._inside[group].total()[1:-1].cumsum(0)
            low = int(torch.searchsorted(ends, rank - before))
            magnitudes.append(_float((group << 16) + low))
        return magnitudes

    def _found_groups(self) -> dict[int, "_Counts"]:
        in_group = self._counts.total()
        if bool(in_group[_FIRST_NOT_FINITE:].any()):
            raise MergeError("A task vector holds NaN or infinity: remove it, or train it again.")
        ends = in_group.cumsum(0)
        ranks = torch.tensor(self._ranks, device=ends.device)
        self._groups: list[int] = torch.searchsorted(ends, ranks).tolist()
        self._below = [int(ends[group] - in_group[group]) for group in self._groups]
        return {group: _Counts(self._like, _INSIDE + 2) for group in set(self._groups)}


class _Counts:
    """Histogram of values, slice after slice.

    Adjacent entries count in `_LANES` separate tallies: if most values are equal, each entry would wait in a
    single tally until the one before it is counted.
    """

    def __init__(self, vector: Tensor, num_values: int) -> None:
        length, device = slice_length(vector), vector.device
        lane = torch.arange(length, dtype=torch.int32, device=device).remainder_(_LANES)
        self._lane_start = lane.mul_(num_values)
        self._ones = torch.ones(length, dtype=torch.int64, device=device)
        self._tallies = torch.zeros(_LANES * num_values, dtype=torch.int64, device=device)

    def add(self, values: Tensor, index: Tensor) -> None:
        """Count the values of a slice: int32, below num_values, overwritten. `index` is int64 scratch."""
        index.copy_(values.add_(self._lane_start[: len(values)]))
        self._tallies.scatter_add_(0, index, self._ones[: len(values)])

    def total(self) -> Tensor:
        """(num_values,) int64."""
        return self._tallies.view(_LANES, -1).sum(dim=0)


def top_threshold(vector: Tensor, density: float, reference_size: float = 0.0) -> float:
    """Smallest magnitude that counts as one of the largest.

        the k-th smallest of the d magnitudes,    k = d - int(density * d)

    Entries of at least this magnitude are kept: int(density * d) + 1 of them, and all that equal the
    threshold. It is 0, which keeps everything, if k is 0 (density 1) or the k-th is a zero.

    Args:
        vector: (numel,) float32.
        density: fraction in [0, 1].
        reference_size: d, at least numel: the vector is padded with zeros to this length. 0 means numel.
    Raises: MergeError if reference_size is between 0 and numel, or as `kth_magnitudes`.
    Source: wang-kee/LiNeS src/utils, after TIES-Merging (arXiv:2306.01708).
    """
    rank = top_rank(len(vector), density, reference_size)
    return kth_magnitudes(vector, [rank])[0] if rank else 0.0


def top_rank(numel: int, density: float, reference_size: float = 0.0) -> int:
    """Rank of `top_threshold` among the numel magnitudes of a vector; 0 if the threshold is 0.

    Raises: MergeError if reference_size is between 0 and numel.
    """
    size = int(reference_size) or numel
    if size < numel:
        raise MergeError(
            f"reference_size must be 0 or at least the {numel} entries of a task vector, got {size}."
        )
    return max(0, size - int(density * size) - (size - numel))


def just_below(magnitude: float) -> float:
    """The next smaller float32: greater than it means at least the magnitude; 0 stays 0."""
    (bits,) = struct.unpack("<i", struct.pack("<f", magnitude))
    return _float(max(bits - 1, 0))


def _float(bits: int) -> float:
    (value,) = struct.unpack("<f", struct.pack("<i", bits))
    return float(value)
