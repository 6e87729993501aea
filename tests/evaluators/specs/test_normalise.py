"""Normalised accuracies, by hand and at their ends."""

from dataclasses import replace

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.normalise import normalised
from tests.evaluators.conftest import Scored


def test_by_hand(scored: Scored) -> None:
    pretrained, finetuned = scored(50, 40, 80), scored(96, 20, 60)
    result = normalised(scored(72, 30, 80), pretrained, finetuned)
    assert result.target == result.kept == 0.75  # 72 / 96
    assert result.control == pytest.approx((30 / 40 + 80 / 80) / 2)
    assert result.regained == pytest.approx((0.55 - 0.4) / (0.6 - 0.4))


def test_the_anchors_are_the_ends(scored: Scored) -> None:
    pretrained, finetuned = scored(50, 40, 80), scored(96, 20, 60)
    kept_all = normalised(finetuned, pretrained, finetuned)
    assert (kept_all.kept, kept_all.regained) == (1.0, 0.0)
    forgot_nothing = normalised(pretrained, pretrained, finetuned)
    assert (forgot_nothing.control, forgot_nothing.regained) == (1.0, 1.0)


def test_without_forgetting_nothing_is_regained(scored: Scored) -> None:
    pretrained = scored(50, 40, 80)
    assert normalised(pretrained, pretrained, scored(96, 40, 80)).regained is None
    assert normalised(pretrained, pretrained, scored(96, 50, 80)).regained is None


def test_a_zero_reference_gives_no_ratio(scored: Scored) -> None:
    result = normalised(scored(0, 10, 40), scored(50, 0, 80), scored(0, 20, 60))
    assert result.kept is None
    assert result.control == 0.5  # the task the zero-shot model knows nothing of is left out
    assert normalised(scored(0, 10), scored(50, 0), scored(9, 0)).control is None


def test_other_tasks_or_another_split_are_refused(scored: Scored) -> None:
    pretrained, finetuned = scored(50, 40, 80), scored(96, 20, 60)
    with pytest.raises(EvaluationError, match="pretrained reference is on other tasks"):
        normalised(scored(72, 30), pretrained, finetuned)
    with pytest.raises(EvaluationError, match="finetuned reference is on split 'test'"):
        normalised(
            scored(72, 30, 80), pretrained, replace(finetuned, spec=replace(finetuned.spec, split="test"))
        )
