"""The walk over candidates from where a search had ended."""

from training.outside_study import walked

CANDIDATES = [(0.1, round(0.1 * step, 1)) for step in range(12)]


def test_a_walk_goes_both_ways_and_ends_where_two_are_no_better() -> None:
    scores = [0, 0, 9, 5, 5, 6, 7, 6, 6, 20, 0, 0]  # 9 and 20 lie behind two that are no better
    asked: list[int] = []

    def measure(one: tuple[float, float]) -> float:
        asked.append(CANDIDATES.index(one))
        return scores[asked[-1]]

    assert walked(measure, CANDIDATES, CANDIDATES[5]) == (CANDIDATES[6], 7)
    assert asked == [5, 6, 7, 8, 4, 3]


def test_a_walk_ends_at_the_ends() -> None:
    assert walked(lambda one: one[1], CANDIDATES, CANDIDATES[10])[0] == CANDIDATES[-1]
    assert walked(lambda one: -one[1], CANDIDATES, CANDIDATES[1])[0] == CANDIDATES[0]
