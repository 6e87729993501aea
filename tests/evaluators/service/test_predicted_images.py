"""Predictions of an evaluation: the very ones that were counted, shared, stored, and of the first images."""

from dataclasses import replace
from pathlib import Path

from evaluators.experiments.grid import run_grid
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.conftest import CHUNK

SPEC = EditSpec.lines("digits", 0.5)


def labels(studio: Studio, evaluation: Evaluation, task: int) -> list[int]:
    """Classes of the counted images of a task, read from its file."""
    found = studio.lab.tasks("tasks")[task]
    every: list[int] = studio.lab._subset(found, evaluation.spec.split).labels.tolist()
    return every[: evaluation.tasks[task].n]


def check(studio: Studio, evaluation: Evaluation) -> None:
    """The correct ones are exactly the predictions that equal the label."""
    for position, task in enumerate(evaluation.tasks):
        predicted = evaluation.predicted(position)
        assert len(predicted) == task.n
        right = [
            one == label for one, label in zip(predicted, labels(studio, evaluation, position), strict=True)
        ]
        assert sum(right) == task.correct


def test_counts_are_the_predictions_that_equal_the_label(studio: Studio) -> None:
    answers = list(studio.stream(SPEC))
    for answer in answers:
        check(studio, answer)
    several = []
    for position in range(len(answers[0].tasks)):
        known = answers[-1].predicted(position)
        several.append(len(set(known)) > 1)
        assert all(known[: answer.tasks[0].n] == answer.predicted(position) for answer in answers)
    assert any(several), "every image is called the same: this would show nothing"
    assert answers[-1].predictions != studio.evaluate(EditSpec.pretrained("digits")).predictions


def test_predictions_outlive_the_process(lab: Path, tmp_path: Path) -> None:
    first = Studio(lab, tmp_path, chunk=CHUNK)
    measured = first.evaluate(SPEC)
    first.close()
    again = Studio(lab, tmp_path, chunk=CHUNK)
    assert again.cached(SPEC) == measured
    check(again, again.evaluate(SPEC))
    again.close()


def test_cells_of_a_grid_have_them_too(studio: Studio) -> None:
    specs = [EditSpec(checkpoint="digits", alpha=0.3, beta=beta) for beta in (0.1, 0.6)]
    for spec, evaluation in run_grid(studio, specs):
        check(studio, evaluation)
        assert studio.evaluate(spec, fresh=True).predictions == evaluation.predictions


def test_pictures_of_a_shipped_evaluation_take_one_chunk(
    studio: Studio, lab: Path, encoded: list[int]
) -> None:
    """A shipped evaluation has counts only: its first chunk is counted, and the whole is not."""
    whole = Studio(lab, cache=None, chunk=CHUNK).evaluate(SPEC)
    shipped = replace(whole, predictions=None, precomputed=True)
    studio._results._shipped[SPEC.model]._known[studio.lab.resolve(SPEC)] = shipped
    assert studio.first(SPEC) == shipped
    assert studio.known_pictures(SPEC) is None
    assert encoded == []
    pictured = studio.pictured(SPEC)
    assert [task.n for task in pictured.tasks] == [4, 4, 4]
    check(studio, pictured)
    assert studio.pictured(SPEC) == studio.known_pictures(SPEC) == pictured
    assert encoded == [12]
    assert studio.cached(SPEC) == shipped
    assert studio.pictured(SPEC, 9).tasks[0].n == 12
    assert encoded == [12] * 3
    assert studio.pictured(SPEC, 10**6).predictions == whole.predictions
    known = studio.cached(SPEC)
    assert known is not None
    assert (known.predictions, known.precomputed) == (whole.predictions, False)


def test_fewer_images_do_not_take_over_a_larger_last_chunk(studio: Studio) -> None:
    """Three images a task used to get the counts of the four in the first chunk of a larger request."""
    studio.evaluate(SPEC)
    few = studio.evaluate(replace(SPEC, images=3))
    assert [task.n for task in few.tasks] == [3, 3, 3]
    check(studio, few)


def test_pictures_cost_nothing_beside_first_numbers(studio: Studio, encoded: list[int]) -> None:
    first = studio.first(SPEC)
    assert studio.pictured(SPEC) == first
    assert encoded == [12]
