"""Greedy selection of a model soup, and the grids searched for its variants (section 5.3)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lines_core.errors import MergeError

SOUP_ALPHA = 1.0
"""LiNeS on a soup leaves block 1 as it is and strengthens the deeper ones."""

SOUP_BETAS: tuple[float, ...] = tuple(step / 10 for step in range(11))
"""Values of beta searched on validation; 0 is the plain soup."""

SOUP_SCALES: tuple[float, ...] = tuple(1.0 + step / 10 for step in range(11))
"""Constants searched for the task arithmetic variant, as many as there are betas; 1 is the plain soup. Our
copy of the paper lost its range; these are the scales that LiNeS gives the last block."""


@dataclass(frozen=True)
class GreedyStep:
    """One attempt of a greedy soup.

    Attributes:
        member: the one that was added on trial.
        soup: the members that were averaged, this one last.
        score: of that soup.
        kept: whether it stayed in.
    """

    member: str
    soup: tuple[str, ...]
    score: float
    kept: bool


@dataclass(frozen=True)
class GreedySoup:
    """What a greedy selection kept, and how it came to that.

    Attributes:
        members: those kept, best first.
        score: of the soup of them.
        steps: every attempt, in order; the first is the best member alone.
    """

    members: tuple[str, ...]
    score: float
    steps: tuple[GreedyStep, ...]


def greedy_soup(
    members: Sequence[str], held_out: Mapping[str, float], score: Callable[[tuple[str, ...]], float]
) -> GreedySoup:
    """Members added one at a time, best first; each stays only if the soup gets better by it.

    A member that leaves the score as it was does not stay. Equally good members come in the order given.
    The plain average is what is selected; task arithmetic and LiNeS are for the soup that results.

    Args:
        members: names to choose from.
        held_out: accuracy of each on held-out data, which decides the order.
        score: the members of a soup -> accuracy of their average on held-out data. Called once a member.
    Raises: MergeError if there are no members, one comes twice or has no held-out accuracy, or an accuracy
        is not finite.
    Source: arXiv:2203.05482, recipe 1; arXiv:2410.17146, B.3.1, for "keeping those that improve".
    """
    if not members:
        raise MergeError("A soup needs at least one member, got none.")
    if len(set(members)) < len(members):
        raise MergeError(f"Each member of a soup counts once, got {', '.join(members)}.")
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
