"""Which rows are chosen: balanced, seeded, near to each other, and never in two halves."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.hub.images.row_choice import Row, RowGroup, choose_rows, half_of, in_half, sort_groups

PLENTY = 1 << 40


def row_groups(
    labels: Sequence[int], size: int = 100, cost: int = 1000, file: str = "a.parquet"
) -> list[RowGroup]:
    """Row groups of ``size`` rows each, one behind the other in one file."""
    starts = range(0, len(labels), size)
    return [
        RowGroup(file, index, start, cost, np.array(labels[start : start + size], dtype=np.int64))
        for index, start in enumerate(starts)
    ]


def shuffled(classes: int, of_each: int, seed: int = 0) -> list[int]:
    labels = [label for label in range(classes) for _ in range(of_each)]
    random.Random(seed).shuffle(labels)
    return labels


def choose(
    groups: Sequence[RowGroup], images: int, half: str | None = None, most_bytes: int = PLENTY
) -> list[Row]:
    return choose_rows(groups, in_half(groups, half), images, name="any", most_bytes=most_bytes)


def places(groups: Sequence[RowGroup], rows: Sequence[Row]) -> set[tuple[str, int]]:
    return {(groups[row.group].file, groups[row.group].first_row + row.row) for row in rows}


def groups_read(rows: Sequence[Row]) -> int:
    return len({row.group for row in rows})


def test_few_groups_do_for_shuffled_data() -> None:
    """100 groups of 100 rows, 10 classes: 256 images are in 3 of them at best, and 4 are allowed."""
    groups = row_groups(shuffled(10, 1000))
    rows = choose(groups, 256)
    assert len(rows) == len(set(rows)) == 256
    assert sorted(Counter(row.label for row in rows).values()) == [25] * 4 + [26] * 6
    assert groups_read(rows) <= 4
    assert all(groups[row.group].labels[row.row] == row.label for row in rows)


def test_one_group_a_class_does_for_sorted_data() -> None:
    groups = row_groups(sorted(shuffled(10, 1000)))
    rows = choose(groups, 256)
    assert sorted(Counter(row.label for row in rows).values()) == [25] * 4 + [26] * 6
    assert groups_read(rows) == 10


def test_fewer_images_than_classes_take_any_classes() -> None:
    """Which 6 of the 50 classes is free: two groups hold six, but hardly six chosen beforehand."""
    groups = row_groups([label for label in range(50) for _ in range(4)], size=12)
    rows = choose(groups, 6)
    assert len({row.label for row in rows}) == 6
    assert groups_read(rows) == 2


def test_small_classes_are_taken_whole() -> None:
    """Classes of 3, 9 and 300: 3, 9 and all the rest, though the small ones are far apart."""
    labels = [2] * 300
    for place, label in [(5, 0), (150, 0), (290, 0), *((30 * place + 7, 1) for place in range(9))]:
        labels[place] = label
    rows = choose(row_groups(labels, size=30), 40)
    assert Counter(row.label for row in rows) == {0: 3, 1: 9, 2: 28}


def test_every_beginning_is_balanced() -> None:
    rows = choose(row_groups(shuffled(7, 60), size=30), 100)
    for n in range(1, len(rows) + 1):
        taken = Counter(row.label for row in rows[:n])
        assert max(taken.values()) - min(taken.get(label, 0) for label in range(7)) <= 1


def test_all_means_every_row_once() -> None:
    groups = row_groups(shuffled(5, 43), size=20)
    for images in (0, 215, 10_000):
        rows = choose(groups, images)
        assert len(rows) == len(places(groups, rows)) == 215


def test_the_budget_holds_and_what_fits_is_balanced() -> None:
    groups = row_groups(sorted(shuffled(10, 200)), cost=1000)
    rows = choose(groups, 256, most_bytes=4999)
    assert groups_read(rows) == 4
    assert sorted(Counter(row.label for row in rows).values()) == [64] * 4
    assert choose(groups, 256, most_bytes=999) == []


def test_a_group_beyond_the_budget_does_not_end_the_search() -> None:
    """The richest group is too dear; a poorer one fits, and is taken."""
    dear, cheap = row_groups([0, 1, 2, 0, 1, 2, 0, 1], size=5, cost=10)
    rows = choose([replace(dear, cost=500), cheap], 5, most_bytes=100)
    assert {row.group for row in rows} == {1}


def test_the_order_of_listing_changes_nothing() -> None:
    """Files come listed in any order, and their groups are found by several threads."""
    first = row_groups(shuffled(10, 300, seed=1), file="data/test-00000-of-00002.parquet")
    second = row_groups(shuffled(10, 300, seed=2), file="data/test-00001-of-00002.parquet")
    listed = [*first, *second]
    groups = sort_groups(listed)
    expected = places(groups, choose(groups, 64, "test"))
    for seed in range(5):
        random.Random(seed).shuffle(listed)
        again = sort_groups(listed)
        rows = choose(again, 64, "test")
        assert places(again, rows) == expected
        assert rows == choose(groups, 64, "test")


def test_the_choice_is_written_down() -> None:
    """Other images on another machine would be other numbers."""
    groups = row_groups([row % 3 for row in range(40)], size=8)
    expected = [(4, 2, 1), (4, 6, 2), (4, 1, 0), (4, 5, 1), (4, 3, 2), (4, 4, 0), (4, 7, 0)]
    assert choose(groups, 7) == expected
    assert choose_rows(groups, in_half(groups, None), 7, name="another", most_bytes=PLENTY) != expected


def test_halves_are_fixed_by_place_alone() -> None:
    first = "val test test val val val val test".split()
    assert [half_of("test/0.tar", row) for row in range(8)] == first
    assert {half_of("test/1.tar", row) for row in range(64)} == {"val", "test"}
    in_test = sum(half_of("data/test.parquet", row) == "test" for row in range(10_000))
    assert 4800 < in_test < 5200


@settings(deadline=None, max_examples=60)
@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=120),
    size=st.integers(1, 40),
    images=st.tuples(st.integers(0, 130), st.integers(0, 130)),
    budgets=st.tuples(st.integers(0, 12_000), st.integers(0, 12_000)),
)
def test_halves_never_meet(
    labels: list[int], size: int, images: tuple[int, int], budgets: tuple[int, int]
) -> None:
    """Whatever is asked of one half and of the other: no row is in both, and together they are all."""
    groups = row_groups(labels, size)
    chosen = [
        places(groups, choose(groups, n, half, budget))
        for n, half, budget in zip(images, ("val", "test"), budgets, strict=True)
    ]
    assert not chosen[0] & chosen[1]
    whole = places(groups, choose(groups, 0, "val")) | places(groups, choose(groups, 0, "test"))
    assert len(whole) == len(labels)


@settings(deadline=None, max_examples=60)
@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=120),
    size=st.integers(1, 40),
    images=st.integers(0, 130),
)
def test_any_subset_is_as_balanced_as_the_rows_allow(labels: list[int], size: int, images: int) -> None:
    rows = choose(row_groups(labels, size), images)
    assert len(rows) == (len(labels) if images == 0 else min(images, len(labels)))
    taken = Counter(row.label for row in rows)
    for label, there in Counter(labels).items():
        assert taken[label] >= min(there, max(taken.values()) - 1)


@pytest.mark.parametrize("groups", [[], row_groups([0, 1])])
def test_no_rows_are_no_choice(groups: list[RowGroup]) -> None:
    nothing = [np.zeros(len(group.labels), dtype=np.bool_) for group in groups]
    assert choose_rows(groups, nothing, 5, name="any", most_bytes=PLENTY) == []
