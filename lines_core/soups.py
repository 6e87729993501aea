"""Greedy selection of a model soup, and the grids searched for its variants (section 5.3)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lines_core.errors import MergeError

SOUP_ALPHA = 1.0
"""LiNeS on a soup keeps block 1 unchanged and amplifies the deeper ones."""

SOUP_BETAS: tuple[float, ...] = tuple(step / 10 for step in range(11))
"""Values of beta searched on validation; 0 is the plain soup."""

SOUP_SCALES: tuple[float, ...] = tuple(1.0 + step / 10 for step in range(11))
"""Constants searched for the task arithmetic variant, as many as betas; 1 is the plain soup. The paper does
not give the range; these are the scales that LiNeS gives the last block."""


@dataclass(frozen=True)
class GreedyStep:
    """One attempt of a greedy soup.

    Attributes:
        member: the one that was tried.
        soup: the averaged members, this one last.
        score: of that soup.
        kept: whether it was kept.
    """

    member: str
    soup: tuple[str, ...]
    score: float
    kept: bool


@dataclass(frozen=True)
class GreedySoup:
    """Result and steps of a greedy selection.

    Attributes:
        members: kept ones, best first.
        score: of the soup of them.
        steps: every attempt, in order; the first is the best member alone.
    """

    members: tuple[str, ...]
    score: float
    steps: tuple[GreedyStep, ...]


def greedy_soup(
    members: Sequence[str], held_out: Mapping[str, float], score: Callable[[tuple[str, ...]], float]
) -> GreedySoup:
    """Select members one at a time, best first; each is kept only if it improves the soup.

    A member that does not change the score is not kept. Equally good members are tried in the given order.
    The selection scores plain averages; task arithmetic and LiNeS apply to the selected soup.

    Args:
        members: names to choose from.
        held_out: accuracy of each on held-out data, which determines the order.
        score: the members of a soup -> accuracy of their average on held-out data. Called once per member.
    Raises: MergeError if there are no members, one occurs twice or has no held-out accuracy, or an accuracy
        is not finite.
    Source: arXiv:2203.05482, recipe 1; arXiv:2410.17146, B.3.1, for "keeping those that improve".
    """
    if not members:
        raise MergeError("A soup needs at least one member, got none.")
    if len(set(members)) < len(members):
        raise MergeError(f"A soup has each member once, got {', '.join(members)}.")
    missing = [member for member in members if member not in held_out]
    if missing:
        raise MergeError(f"No held-out accuracy of {', '.join(missing)}: evaluate every member first.")
    for member in members:
        _check_accuracy(held_out[member], member)

    kept: tuple[str, ...] = ()
    best = -math.inf
    steps = []
    for member in sorted(members, key=lambda member: -held_out[member]):
        soup = (*kept, member)
        found = float(score(soup))
        _check_accuracy(found, f"the soup of {', '.join(soup)}")
        steps.append(GreedyStep(member, soup, found, found > best))
        if found > best:
            kept, best = soup, found
    return GreedySoup(kept, best, tuple(steps))


def _check_accuracy(accuracy: float, of: str) -> None:
    if not math.isfinite(accuracy):
        raise MergeError(f"The held-out accuracy of {of} must be a finite number, got {accuracy}.")
