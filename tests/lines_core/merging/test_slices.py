"""Work on slices: order, threads, and stopping in the middle."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lines_core.merging import merge, merging_alpha, stopped_by
from lines_core.merging.slices import SLICE, each_slice, on_threads, over_slices
from tests.lines_core.merging.cases import KEYS, taken

SLICES = 11
"""Of 100 entries, in one of the vectors."""


class Enough(Exception):
    """Nobody wants it any more."""


class Checks:
    """Counts how often it is asked, and says after some times that it is enough."""

    def __init__(self, enough: float = float("inf")) -> None:
        self.count = 0
        self.enough = enough
        self._mutex = threading.Lock()

    def __call__(self) -> None:
        with self._mutex:
            self.count += 1
            if self.count > self.enough:
                raise Enough


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("key", KEYS)
def test_every_method_stops_at_any_slice(
    key: str,
    threads: int,
    ordinary: list[Tensor],
    slice_of: Callable[[int], None],
    torch_threads: Callable[[int], None],
) -> None:
    vectors = taken(key, ordinary)
    expected = merge(key, vectors, task=1)
    slice_of(100)
    torch_threads(threads)
    checks = Checks()
    with stopped_by(checks):
        assert torch.equal(merge(key, vectors, task=1), expected)
    assert checks.count >= 2 * SLICES  # the merge itself, and whether all of it is finite
    for enough in (0, 1, SLICES, checks.count - 1):
        early = Checks(enough)
        with pytest.raises(Enough), stopped_by(early):
            merge(key, vectors, task=1)
        assert early.count <= enough + len(ordinary), "each thread ends at its next slice"
    assert torch.equal(merge(key, vectors, task=1), expected), "outside of the block nothing stops it"


def test_eq_2_stops(ordinary: list[Tensor], slice_of: Callable[[int], None]) -> None:
    merged = merge("sum", ordinary)
    slice_of(100)
    with pytest.raises(Enough), stopped_by(Checks(SLICES - 1)):
        merging_alpha(ordinary, merged)
    with stopped_by(Checks(SLICES)):
        assert merging_alpha(ordinary, merged).alpha == pytest.approx(1 / len(ordinary))


def test_slices_cover_a_vector_with_scratch_of_their_length(slice_of: Callable[[int], None]) -> None:
    assert SLICE < 1 << 15
    slice_of(4)
    found = [
        (part.start, part.stop, a.dtype, len(a), len(b))
        for part, (a, b) in each_slice(torch.zeros(10), torch.int64, torch.float32)
    ]
    assert found == [(0, 4, torch.int64, 4, 4), (4, 8, torch.int64, 4, 4), (8, 10, torch.int64, 2, 2)]


def test_work_on_threads_comes_back_in_order_or_raises(
    slice_of: Callable[[int], None], three_threads: None
) -> None:
    slice_of(3)
    starts = over_slices(
        torch.zeros(20), lambda part, scratch: (part.start, part.stop, len(scratch[0])), torch.int8
    )
    assert starts == [(0, 3, 3), (3, 6, 3), (6, 9, 3), (9, 12, 3), (12, 15, 3), (15, 18, 3), (18, 20, 2)]
    assert on_threads(lambda item: item * item, range(10)) == [item * item for item in range(10)]
    with pytest.raises(ZeroDivisionError):
        on_threads(lambda item: 1 / (item - 7), range(10))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_with_a_core_each_leave_the_number_of_threads_alone(
    threads: int, torch_threads: Callable[[int], None]
) -> None:
    torch_threads(threads)

    def work(item: int) -> tuple[int, int]:
        if item == 7:
            raise ZeroDivisionError
        return item, torch.get_num_threads()

    assert on_threads(work, range(5), whole_cores=True) == [(item, 1) for item in range(5)]
    with pytest.raises(ZeroDivisionError):
        on_threads(work, range(9), whole_cores=True)
    inherited: list[int] = []
    later = threading.Thread(target=lambda: inherited.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert (torch.get_num_threads(), inherited) == (threads, [threads])
