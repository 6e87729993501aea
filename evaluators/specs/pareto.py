"""Pareto front and hypervolume of points with two coordinates, both to be maximised."""

from collections.abc import Sequence

from evaluators.errors import EvaluationError

Point = tuple[float, float]


def front_indices(points: Sequence[Point]) -> tuple[int, ...]:
    """Positions of the points that no other point dominates, by rising first coordinate.

    A point dominates another if it is at least as good in both coordinates and better in one. Of equal points
    the first stays.
    """
    order = sorted(range(len(points)), key=lambda i: (-points[i][0], -points[i][1], i))
    chosen: list[int] = []
    for i in order:
        if not chosen or points[i][1] > points[chosen[-1]][1]:
            chosen.append(i)
    return tuple(reversed(chosen))


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other point dominates, each once, by rising first coordinate.

    >>> front([(0.9, 0.4), (0.8, 0.5), (0.8, 0.3), (0.7, 0.5)])
    ((0.8, 0.5), (0.9, 0.4))
    """
    return tuple(points[i] for i in front_indices(points))


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area that the points dominate above and to the right of ``reference``; 0 for no points.

    Points that are not better than the reference in both coordinates add nothing.

    Raises: EvaluationError if a coordinate is not a number.

    >>> hypervolume([(2.0, 1.0), (1.0, 3.0)], (0.0, 0.0))
    4.0
    """
    if any(value != value for point in (*points, reference) for value in point):
        raise EvaluationError(f"The area of points that are not numbers: {list(points)} over {reference}.")
    area, left = 0.0, reference[0]
    for x, y in front([p for p in points if p[0] > reference[0] and p[1] > reference[1]]):
        area += (x - left) * (y - reference[1])
        left = x
    return area
