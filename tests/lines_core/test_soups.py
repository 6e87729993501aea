"""Greedy soups: worked by hand, ties, and what is refused."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lines_core.errors import MergeError
from lines_core.soups import (
    SOUP_ALPHA,
    SOUP_BETAS,
    SOUP_SCALES,
    GreedyStep,
    greedy_soup,
)


def test_the_grids() -> None:
    assert SOUP_BETAS == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    assert SOUP_SCALES == (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0)
    assert SOUP_ALPHA == 1.0


SCORES = {
    ("b",): 0.80,
    ("b", "c"): 0.82,
    ("b", "c", "a"): 0.81,
    ("b", "c", "d"): 0.82,
    ("b", "c", "e"): 0.83,
}
HELD_OUT = {"a": 0.7, "b": 0.8, "c": 0.75, "d": 0.7, "e": 0.1}


def test_a_greedy_soup_worked_by_hand() -> None:
    """a makes it worse, d leaves it as it was, and e, the worst alone, makes it better."""
    soup = greedy_soup("a b c d e".split(), HELD_OUT, SCORES.__getitem__)
    assert soup.members == ("b", "c", "e")
    assert soup.score == 0.83
    assert soup.steps == (
        GreedyStep("b", ("b",), 0.80, True),
        GreedyStep("c", ("b", "c"), 0.82, True),
        GreedyStep("a", ("b", "c", "a"), 0.81, False),
        GreedyStep("d", ("b", "c", "d"), 0.82, False),
        GreedyStep("e", ("b", "c", "e"), 0.83, True),
    )


def test_equally_good_members_come_in_the_order_given() -> None:
    held_out = dict.fromkeys("xyz", 0.5)
    soup = greedy_soup(["y", "z", "x"], held_out, lambda members: float(len(members)))
    assert soup.members == ("y", "z", "x")


def test_a_soup_of_one() -> None:
    soup = greedy_soup(["a"], {"a": 0.0, "b": 1.0}, lambda members: 0.0)
    assert soup.members == ("a",)
    assert soup.steps == (GreedyStep("a", ("a",), 0.0, True),)


@given(
    held_out=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1),
    accuracies=st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=8, max_size=8),
)
def test_a_selection_never_gets_worse_and_tries_everyone_once(
    held_out: dict[str, float], accuracies: list[float]
) -> None:
    asked: list[tuple[str, ...]] = []

    def score(members: tuple[str, ...]) -> float:
        asked.append(members)
        return accuracies[len(asked) - 1]

    soup = greedy_soup(sorted(held_out), held_out, score)
    tried = [step.member for step in soup.steps]
    assert sorted(tried) == sorted(held_out)
    assert [held_out[member] for member in tried] == sorted(held_out.values(), reverse=True)
    assert asked == [step.soup for step in soup.steps]
    kept = [step for step in soup.steps if step.kept]
    assert kept[0] is soup.steps[0]
    assert [step.member for step in kept] == list(soup.members)
    assert all(one.score < two.score for one, two in pairwise(kept))
    assert soup.score == kept[-1].score == max(step.score for step in soup.steps)


def test_selections_that_cannot_be_made_are_refused() -> None:
    def score(members: tuple[str, ...]) -> float:
        return math.nan

    with pytest.raises(MergeError, match="at least one member, got none"):
        greedy_soup([], {}, score)
    with pytest.raises(MergeError, match="has each member once, got a, b, a"):
        greedy_soup(["a", "b", "a"], {"a": 0.1, "b": 0.2}, score)
    with pytest.raises(MergeError, match="No held-out accuracy of b, c: evaluate"):
        greedy_soup(["a", "b", "c"], {"a": 0.1}, score)
    with pytest.raises(MergeError, match="accuracy of a must be a finite number, got nan"):
        greedy_soup(["a"], {"a": math.nan}, score)
    with pytest.raises(MergeError, match="accuracy of the soup of a must be a finite number, got nan"):
        greedy_soup(["a"], {"a": 0.5}, score)
