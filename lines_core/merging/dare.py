"""DARE: drop random entries of each task vector, rescale the rest, and add up.

The draw depends on the seed, the index of the task and the index of the entry only: SplitMix64 as a
counter-based generator in integer arithmetic, equal on every machine, device and slice size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lines_core.merging.known import Known, Needs
from lines_core.merging.slices import over_slices

_WORD = 1 << 64
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def dare_merge(vectors: Sequence[Tensor], *, drop: float, seed: float, known: Known | None = None) -> Tensor:
    """sum_t of tau_t with a fraction p of its entries set to zero, the others divided by 1 - p.

    The expected value of every entry is that of the plain sum. Another order of the tasks is another draw.

    Args:
        vectors: T task vectors, (numel,) float32.
        drop: p, the probability of an entry to be dropped, in [0, 1).
        seed: an integer from 0.
        known: where the vectors begin, if they are parts of longer ones.
    Cost: one read of every vector, and ten integer operations per entry.
    Source: arXiv:2311.03099; SplitMix64 is Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.
    """
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)
    first = 1 if known is None else 1 + known.start
    keys = [stream(int(seed), task) for task in range(len(vectors))]
    floor = _floor(drop)

    def work(part: slice, scratch: list[Tensor]) -> None:
        place, draw, shifted, kept, total, wide = scratch
        torch.arange(first + part.start, first + part.stop, out=place).mul_(_signed(_GOLDEN))
        total.zero_()
        for vector, key in zip(vectors, keys, strict=True):
            draws(torch.add(place, key, out=draw), shifted)
            torch.ge(draw, floor, out=kept)
            total.add_(wide.copy_(vector[part]).mul_(kept))
        merged[part].copy_(total.div_(1.0 - drop))

    over_slices(merged, work, *[torch.int64] * 3, *[torch.float64] * 3)
    return merged


class DroppedVector:
    """A task vector as DARE leaves it, part by part: dropped entries are 0, the others divided by 1 - p.

    Args:
        vector: (numel,) float32.
        seed, task: what determines the draw, with the index of the entry.
        drop: p.
        start: index of the vector's first entry in the whole one.
    """

    def __init__(self, vector: Tensor, seed: int, task: int, drop: float, start: int) -> None:
        self._vector, self._drop, self._first = vector, drop, start + 1
        self._key = stream(seed, task)

    def __getitem__(self, part: slice, /) -> Tensor:
        entries = self._vector[part]
        first = self._first + part.start
        place = torch.arange(first, first + len(entries), dtype=torch.int64, device=entries.device)
        draw = draws(place.mul_(_signed(_GOLDEN)).add_(self._key), torch.empty_like(place))
        return entries.double().mul_(draw >= _floor(self._drop)).div_(1.0 - self._drop).float()


def uniform(seed: int, task: int, start: int, count: int, device: torch.device) -> Tensor:
    """Draws in [0, 1) for the entries of a task vector from `start` on: the same as those of `dare_merge`.

    Returns: (count,) float64.
    """
    place = torch.arange(start + 1, start + 1 + count, dtype=torch.int64, device=device)
    drawn = draws(place.mul_(_signed(_GOLDEN)).add_(stream(seed, task)), torch.empty_like(place))
    return drawn.double().div_(float(_WORD)).add_(0.5)


def dare_needs(numel: int, *, drop: float, seed: float) -> Needs:
    """What `dare_merge` needs of whole vectors: only where a part begins."""
    return Needs()


def stream(seed: int, task: int) -> int:
    """Start of a task's random stream, as a signed 64-bit integer: two rounds of SplitMix64."""
    return _signed(_mix(_mix(seed) + task))


def draws(state: Tensor, shifted: Tensor) -> Tensor:
    """SplitMix64's mixing of 64-bit states, in place, without its last step, which keeps the upper half.

    Args:
        state: (n,) int64, the stream's start plus (place + 1) times the golden ratio's 64 bits.
        shifted: int64 scratch of the same shape.
    """
    for bits, factor in ((30, _FIRST), (27, _SECOND)):
        # the shift of a signed integer copies the sign bit: mask it
        torch.bitwise_right_shift(state, bits, out=shifted).bitwise_and_((1 << (64 - bits)) - 1)
        state.bitwise_xor_(shifted).mul_(_signed(factor))  # wraps around, as intended
    return state


def _floor(drop: float) -> int:
    """Smallest draw that keeps an entry: draws are uniform from -2**63 to 2**63 - 1."""
    return _signed(int(drop * _WORD) + _WORD // 2)


def _mix(state: int) -> int:
    """One output of SplitMix64."""
    state = (state + _GOLDEN) % _WORD
    state = (state ^ state >> 30) * _FIRST % _WORD
    state = (state ^ state >> 27) * _SECOND % _WORD
    return state ^ state >> 31


def _signed(word: int) -> int:
    """The int64 with the same 64 bits."""
    return (word + _WORD // 2) % _WORD - _WORD // 2
