"""95 % confidence intervals of accuracies and their means, from counts."""

import math
from collections.abc import Sequence

from evaluators.errors import EvaluationError

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution, for 95 % intervals


def wilson_interval(correct: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of the accuracy ``correct / n``, both ends in [0, 1].

        (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n),    p = correct / n

    Unlike the normal approximation p +- z sqrt(p(1-p)/n) it is valid near 0 and 1: 20 of 20 gives [0.84, 1].

    Raises: EvaluationError unless 0 <= correct <= n and n >= 1.
    Source: Wilson 1927; Brown, Cai and DasGupta 2001 recommend it for small n.

    >>> low, high = wilson_interval(20, 20)
    >>> round(low, 3), high
    (0.839, 1.0)
    """
    if n < 1 or not 0 <= correct <= n:
        raise EvaluationError(f"An accuracy needs 0 <= correct <= n and n >= 1, got {correct} of {n}.")
    p = correct / n
    centre = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == n else (centre + spread) / scale
    return low, high


def mean_interval(results: Sequence[tuple[int, int]], z: float = Z95) -> tuple[float, float]:
    """Interval of the unweighted mean of independent accuracies, each given as (correct, n).

        mean - sqrt(sum_i (p_i - low_i)^2) / k,    mean + sqrt(sum_i (high_i - p_i)^2) / k

    with the Wilson interval [low_i, high_i] of each of the k accuracies: it never leaves [0, 1] and
    equals Wilson's interval for one accuracy. It is about these tasks with other images, not about other
    tasks.

    Raises: EvaluationError if there is no accuracy, or a count is impossible.
    Source: variance recovery (MOVER), Zou and Donner 2008; Newcombe 1998 for differences.
    """
    if not results:
        raise EvaluationError("The mean of no accuracies has no interval.")
    below = above = total = 0.0
    for correct, n in results:
        low, high = wilson_interval(correct, n, z)
        p = correct / n
        total += p
        below += (p - low) ** 2
        above += (high - p) ** 2
    k = len(results)
    return (total - math.sqrt(below)) / k, (total + math.sqrt(above)) / k


def difference_interval(
    before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], z: float = Z95
) -> tuple[float, float]:
    """Interval of mean accuracy ``after`` minus mean accuracy ``before``, as if on independent images.

        d - sqrt((a - low_a)^2 + (high_b - b)^2),    d + sqrt((high_a - a)^2 + (b - low_b)^2),    d = a - b

    With both on the same images, as here, the interval is too wide rather than too narrow: what is said by it
    is true, and some true differences remain unsaid.

    Args:
        before, after: (correct, n) of each task.
    Raises: as ``mean_interval``.
    Source: Newcombe 1998, method 10, by the same variance recovery as ``mean_interval``.
    """
    (low_b, high_b), (low_a, high_a) = mean_interval(before, z), mean_interval(after, z)
    b, a = (sum(correct / n for correct, n in side) / len(side) for side in (before, after))
    below = math.hypot(a - low_a, high_b - b)
    above = math.hypot(high_a - a, b - low_b)
    return a - b - below, a - b + above


def tasks_interval(results: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """95 % interval of the mean accuracy of tasks, (correct, n) each: Wilson's for a single task."""
    return wilson_interval(*results[0]) if len(results) == 1 else mean_interval(results)
