"""The choice of gamma, by hand and with its ties."""

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.gamma_choice import choose_gamma
from tests.evaluators.conftest import Scored


def test_by_hand(scored: Scored) -> None:
    """Scores with w = 2: 2 * 1 + 0.75; 2 * 0.9 + 1.25; 2 * 0.5 + 1.5."""
    pretrained, finetuned = scored(40, 40, 80), scored(80, 20, 80)
    points = [(0.0, scored(40, 60, 120, n=200)), (1.0, finetuned), (0.5, scored(72, 60, 80))]
    points[0] = (0.0, scored(40, 80, 80))
    choice = choose_gamma(points, pretrained, finetuned)
    assert choice.gamma == 0.5
    assert choice.score == pytest.approx(3.05)
    assert [gamma for gamma, _ in choice.scores] == [1.0, 0.5, 0.0]
    assert [score for _, score in choice.scores] == pytest.approx([2.75, 3.05, 2.5])


def test_a_larger_weight_prefers_the_target(scored: Scored) -> None:
    pretrained, finetuned = scored(40, 40, 80), scored(80, 20, 80)
    points = [(1.0, finetuned), (0.0, scored(40, 40, 80))]
    assert choose_gamma(points, pretrained, finetuned, weight=0.0).gamma == 0.0
    assert choose_gamma(points, pretrained, finetuned, weight=5.0).gamma == 1.0


@pytest.mark.parametrize("turned", [False, True])
def test_ties_go_to_the_larger_gamma(scored: Scored, turned: bool) -> None:
    """w = 2, 2 * 80/80 + 40/80 = 2 * 60/80 + 80/80: equal, so the one closer to fine-tuned, in any order."""
    pretrained, finetuned = scored(40, 80), scored(80, 40)
    points = [(0.75, scored(80, 40)), (0.25, scored(60, 80))]
    choice = choose_gamma(points[::-1] if turned else points, pretrained, finetuned)
    assert choice.scores[0][1] == choice.scores[1][1] == 2.5
    assert choice.gamma == 0.75


def test_controls_are_normalised_one_by_one(scored: Scored) -> None:
    """(10/20 + 80/80) / 2 = 0.75 and not (10 + 80) / (20 + 80) = 0.9."""
    pretrained, finetuned = scored(40, 20, 80), scored(80, 10, 80)
    assert choose_gamma([(1.0, finetuned)], pretrained, finetuned).score == pytest.approx(2.75)


def test_only_validation_may_choose(scored: Scored) -> None:
    val, test = scored(80, 40), scored(80, 40, split="test")
    for points, pretrained, finetuned in (
        ([(1.0, test)], val, val),
        ([(1.0, val)], test, val),
        ([(1.0, val)], val, test),
    ):
        with pytest.raises(EvaluationError, match="chosen on validation images, got an evaluation on 'test'"):
            choose_gamma(points, pretrained, finetuned)


def test_invalid_candidates_are_refused(scored: Scored) -> None:
    val = scored(80, 40)
    with pytest.raises(EvaluationError, match="no candidate"):
        choose_gamma([], val, val)
    with pytest.raises(EvaluationError, match="partial"):
        choose_gamma([(1.0, scored(80, 40, complete=False))], val, val)
    with pytest.raises(EvaluationError, match="must not be negative"):
        choose_gamma([(1.0, val)], val, val, weight=-1.0)
    with pytest.raises(EvaluationError, match="must not be negative, got nan"):
        choose_gamma([(1.0, val)], val, val, weight=float("nan"))
    with pytest.raises(EvaluationError, match="is on other tasks"):
        choose_gamma([(1.0, scored(80, 40, 40))], val, val)
    with pytest.raises(EvaluationError, match="accuracy 0 on its own task"):
        choose_gamma([(1.0, val)], val, scored(0, 40))
    with pytest.raises(EvaluationError, match="accuracy 0 on all control tasks"):
        choose_gamma([(1.0, val)], scored(80, 0), val)
