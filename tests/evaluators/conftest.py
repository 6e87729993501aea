"""Evaluations made of counts, for everything that computes with them."""

from collections.abc import Callable

import pytest

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult

Scored = Callable[..., Evaluation]


@pytest.fixture
def scored() -> Scored:
    """``scored(target, *controls)``: an evaluation from counts of 100 images per task."""

    def build(
        target: int, *controls: int, split: str = "val", complete: bool = True, n: int = 100
    ) -> Evaluation:
        tasks = [TaskResult("digits", "Digits", "target", target, n)]
        tasks += [TaskResult(f"task{i}", f"Task {i}", "control", c, n) for i, c in enumerate(controls)]
        return Evaluation(EditSpec(split=split), tuple(tasks), complete, 0.5, "float32", "cpu")

    return build
