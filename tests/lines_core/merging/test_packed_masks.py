"""One bit an entry, the way numpy packs them, and any part of it back without the rest."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import packed_masks
from lines_core.merging.packed_masks import PackedMask, pack, pack_slices

ENTRIES = st.lists(st.booleans(), max_size=70)


def mask_of(entries: list[bool]) -> Tensor:
    return torch.tensor(entries, dtype=torch.bool)


def random_mask(size: int, seed: int = 0) -> Tensor:
    return torch.rand(size, generator=torch.Generator().manual_seed(seed)) < 0.3


# --- the bits ---


def test_the_first_entry_is_in_the_highest_bit() -> None:
    packed = pack(mask_of([True, False, False, False, False, False, True, True, True]))
    assert packed.bits.tolist() == [0b1000_0011, 0b1000_0000]
    assert packed.size == 9
    assert packed.count() == 4


@pytest.mark.parametrize("position", range(8))
def test_every_place_in_a_byte(position: int) -> None:
    entries = torch.arange(8) == position
    assert pack(entries).bits.tolist() == [128 >> position]
    assert torch.equal(pack(entries).unpack(), entries)


def test_every_byte_there_is() -> None:
    """Both ways against numpy: a multiplication that carried would show in some of the 256."""
    every = torch.arange(256, dtype=torch.uint8)
    entries = torch.from_numpy(np.unpackbits(every.numpy())).bool()
    assert torch.equal(PackedMask(every, 2048).unpack(), entries)
    assert torch.equal(pack(entries).bits, every)


@given(ENTRIES)
def test_packs_as_numpy_does(entries: list[bool]) -> None:
    packed = pack(mask_of(entries))
    assert packed.bits.tolist() == np.packbits(np.array(entries, dtype=bool)).tolist()
    assert packed.unpack().tolist() == entries
    assert packed.count() == sum(entries)


@given(ENTRIES, st.data())
def test_any_part_is_unpacked(entries: list[bool], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(entries)))
    stop = data.draw(st.integers(start, len(entries)))
    part = pack(mask_of(entries)).unpack(start, stop)
    assert part.dtype == torch.bool
    assert part.tolist() == entries[start:stop]
    assert pack(part).unpack().tolist() == entries[start:stop]  # even if the part begins within eight bytes


@given(ENTRIES, st.data())
def test_slices_are_packed_as_the_whole(entries: list[bool], data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(entries))).map(sorted))
    pieces = (mask_of(entries)[start:stop] for start, stop in pairwise([0, *cuts, len(entries)]))
    assert pack_slices(pieces) == pack(mask_of(entries))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_and_or_equal(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (pack(mask_of([pair[i] for pair in pairs])) for i in (0, 1))
    assert (first & second).unpack().tolist() == [a and b for a, b in pairs]
    assert (first | second).unpack().tolist() == [a or b for a, b in pairs]
    assert (first == second) == all(a == b for a, b in pairs)


@pytest.mark.parametrize("extra", [0, 13])
def test_more_than_is_packed_at_a_time(extra: int) -> None:
    entries = random_mask(2 * packed_masks._SLICE + extra)
    packed = pack(entries)
    assert torch.equal(packed.bits, torch.from_numpy(np.packbits(entries.numpy())))
    assert torch.equal(packed.unpack(), entries)
    assert packed.count() == int(entries.sum())
    start = packed_masks._SLICE - 3
    assert torch.equal(packed.unpack(start, start + 11), entries[start : start + 11])


def test_views_of_every_kind_are_packed() -> None:
    entries = random_mask(100)
    for view in (entries[3:], entries[::2], entries[8:72], entries[1:2].expand(20)):
        assert torch.equal(pack(view).unpack(), view)


def test_the_slices_are_taken_one_at_a_time() -> None:
    """A slice's memory may be used again for the next one, as in a loop over vectors too large for memory."""
    entries, buffer = random_mask(35), torch.empty(7, dtype=torch.bool)

    def slices() -> Iterator[Tensor]:
        for start in range(0, 35, 7):
            yield buffer.copy_(entries[start : start + 7])

    assert torch.equal(pack_slices(slices()).unpack(), entries)


def test_nothing_at_all() -> None:
    empty = pack_slices([])
    assert empty == pack(mask_of([]))
    assert (empty.size, empty.count(), empty.unpack().tolist()) == (0, 0, [])


def test_size_belongs_to_the_value() -> None:
    assert pack(mask_of([True, False])) != pack(mask_of([True, False, False]))
    assert pack(mask_of([True])) != "a mask"


# --- what is refused ---


@pytest.mark.parametrize(
    "mask", [torch.ones(3), torch.ones(3, dtype=torch.uint8), torch.ones(2, 4, dtype=torch.bool)]
)
def test_only_rows_of_truth_values_are_packed(mask: Tensor) -> None:
    with pytest.raises(MergeError, match="one-dimensional bool tensor"):
        pack(mask)


@pytest.mark.parametrize(
    "bits",
    [
        torch.zeros(2, dtype=torch.uint8),
        torch.zeros(4, dtype=torch.uint8),
        torch.zeros(3, dtype=torch.int8),
        torch.zeros(3, 1, dtype=torch.uint8),
    ],
)
def test_bits_that_are_not_that_many(bits: Tensor) -> None:
    with pytest.raises(MergeError, match="17 entries takes 3 bytes"):
        PackedMask(bits, 17)


@pytest.mark.parametrize("size", range(17, 25))
def test_bits_beyond_the_last_entry(size: int) -> None:
    """They would be counted, and would part masks that are equal."""
    last_entry, beyond = 0x80 >> (size - 17), 0x80 >> (size - 16)
    PackedMask(torch.tensor([0, 0, last_entry], dtype=torch.uint8), size)
    if beyond:
        with pytest.raises(MergeError, match=f"last of {size} entries"):
            PackedMask(torch.tensor([0, 0, beyond], dtype=torch.uint8), size)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (4, 3), (0, 10), (11, None)])
def test_parts_that_are_not_there(start: int, stop: int | None) -> None:
    with pytest.raises(MergeError, match="has 9 entries, asked for"):
        pack(random_mask(9)).unpack(start, stop)


def test_masks_of_two_sizes() -> None:
    """Of 15 and 16 entries, which take as many bytes."""
    with pytest.raises(MergeError, match="15 and 16 entries"):
        pack(random_mask(15)) & pack(random_mask(16))
    with pytest.raises(MergeError, match="15 and 16 entries"):
        pack(random_mask(15)) | pack(random_mask(16))
