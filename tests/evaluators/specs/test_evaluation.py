"""Means and intervals of an ``Evaluation``, and its JSON."""

import json
from dataclasses import replace

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.intervals import mean_interval, wilson_interval
from tests.evaluators.conftest import Scored


def test_means_and_intervals_come_from_the_counts(scored: Scored) -> None:
    evaluation = scored(90, 40, 60, 20)
    assert evaluation.target == 0.9
    assert evaluation.control == pytest.approx(0.4)
    assert evaluation.target_interval == wilson_interval(90, 100)
    assert evaluation.control_interval == mean_interval([(40, 100), (60, 100), (20, 100)])
    task = evaluation.control_tasks[1]
    assert (task.accuracy, task.low, task.high) == (0.6, *wilson_interval(60, 100))


def test_control_is_a_mean_of_accuracies_not_of_images(scored: Scored) -> None:
    evaluation = scored(90, 100)
    unequal = replace(evaluation, tasks=(*evaluation.tasks, TaskResult("few", "Few", "control", 0, 10)))
    assert unequal.control == 0.5


def test_dictionary_round_trip_through_json(scored: Scored) -> None:
    evaluation = scored(90, 40, 60, complete=False)
    assert Evaluation.from_dict(json.loads(json.dumps(evaluation.as_dict()))) == evaluation
    assert "predictions" not in evaluation.as_dict()
    predicted = replace(evaluation, predictions=(b"\x07" * 100, b"\x01\x02" * 100, b"\xff" * 100))
    assert Evaluation.from_dict(json.loads(json.dumps(predicted.as_dict()))) == predicted
    assert [predicted.predicted(task)[:2] for task in range(3)] == [(7, 7), (513, 513), (255, 255)]
    assert evaluation.predicted(0) == ()


def test_invalid_evaluations_are_refused(scored: Scored) -> None:
    plain = scored(90, 40).as_dict()
    for wrong in (
        {"spec": plain["spec"]},
        plain | {"extra": 1},
        plain | {"tasks": 3},
        plain | {"tasks": [{"key": "digits"}]},
        plain | {"spec": {"shape": "cubic"}},
        plain | {"predictions": ["not base64"]},
        plain | {"predictions": [3]},
    ):
        with pytest.raises(EvaluationError, match="not a stored evaluation"):
            Evaluation.from_dict(wrong)
    with pytest.raises(EvaluationError, match="101 correct of 100 cannot be"):
        scored(101, 40)
    with pytest.raises(EvaluationError, match="one target and at least one control"):
        scored(90)
    with pytest.raises(EvaluationError, match="a target or a control, got role 'ID'"):
        TaskResult("digits", "Digits", "ID", 1, 2)
    evaluation = scored(90, 40)
    with pytest.raises(EvaluationError, match="counted twice"):
        replace(evaluation, tasks=(*evaluation.tasks, evaluation.tasks[1]))
    for packed in ((b"\0" * 100,), (b"\0" * 100, b"\0" * 99)):
        with pytest.raises(EvaluationError, match="do not fit"):
            replace(evaluation, predictions=packed)
