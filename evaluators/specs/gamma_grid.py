"""Evaluations at gamma = 0, 0.01, ..., 1 of one shape and split, as a small file that ships with the lab."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evaluators.errors import EvaluationError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult, task_role
from lines_core.atomic_write import atomic_write

STEPS = 100
"""gamma = step / STEPS."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
Titles = Mapping[str, str]
"""Names on the page by key of a task, in the order in which the tasks are counted."""


def tied_specs(checkpoint: str, shape: str, split: str, images: int) -> tuple[EditSpec, ...]:
    """Single-task LiNeS with gamma = 0, 0.01, ..., 1: alpha = gamma, beta = 1 - gamma."""
    return tuple(
        EditSpec.lines(checkpoint, step / STEPS, shape=shape, split=split, images=images)
        for step in range(STEPS + 1)
    )


@dataclass(frozen=True)
class GridLine:
    """The evaluations of one checkpoint; position i of a row belongs to gamma = i / 100.

    Args:
        made_with: names the weights, images and prompts that were measured, by content.
        images: counted images by task.
        truth: by task the classes of its first images, each a digit of base 36.
        correct: by task the correct images, a row of counts.
        predicted: by task and image of ``truth`` the predicted classes, a row of digits of base 36.
        seconds: mean wall time of an evaluation.
        dtype, device: as in ``Evaluation``.
    Raises: EvaluationError if the lengths do not fit together.
    """

    made_with: str
    images: Mapping[str, int]
    truth: Mapping[str, str]
    correct: Mapping[str, Sequence[int]]
    predicted: Mapping[str, Sequence[str]]
    seconds: float
    dtype: str
    device: str

    def __post_init__(self) -> None:
        tasks = list(self.images)
        rows = [*self.correct.values(), *(row for image in self.predicted.values() for row in image)]
        if not (
            tasks == list(self.truth) == list(self.correct) == list(self.predicted)
            and all(len(row) == STEPS + 1 for row in rows)
            and all(len(self.truth[task]) == len(self.predicted[task]) for task in tasks)
        ):
            raise EvaluationError(f"Rows of a gamma grid have {STEPS + 1} positions and name the same tasks.")

    @classmethod
    def of(
        cls, made_with: str, evaluations: Sequence[Evaluation], truth: Mapping[str, Sequence[int]]
    ) -> "GridLine":
        """The line of complete evaluations at all gammas, which have predictions.

        Args:
            truth: by task the classes of the first images, whose predictions are kept.
        Raises: EvaluationError for another number of evaluations, a partial one, one without predictions, or
            a task of more than 36 classes.
        """
        first = evaluations[0]
        keys = [task.key for task in first.tasks]
        if not all(one.complete and one.predictions for one in evaluations):
            raise EvaluationError("A gamma grid is made of complete evaluations with predictions.")
        return cls(
            made_with,
            {task.key: task.n for task in first.tasks},
            {key: _digits(truth[key]) for key in keys},
            {key: [one.tasks[i].correct for one in evaluations] for i, key in enumerate(keys)},
            {
                key: [
                    _digits([one.predicted(i)[image] for one in evaluations])
                    for image in range(len(truth[key]))
                ]
                for i, key in enumerate(keys)
            },
            round(sum(one.seconds for one in evaluations) / len(evaluations), 3),
            first.dtype,
            first.device,
        )

    def evaluation(self, spec: EditSpec, step: int, titles: Titles) -> Evaluation:
        """The complete evaluation at gamma = step / 100, without predictions."""
        counts = {key: (row[step], self.images[key]) for key, row in self.correct.items()}
        return self._evaluation(spec, titles, counts, None)

    def pictured(self, spec: EditSpec, step: int, titles: Titles) -> Evaluation:
        """The evaluation at gamma = step / 100 on the first images alone, with predictions."""
        said = {key: [row[step] for row in rows] for key, rows in self.predicted.items()}
        counts = {
            key: (sum(map(str.__eq__, said[key], truth)), len(truth)) for key, truth in self.truth.items()
        }
        return self._evaluation(
            spec, titles, counts, [bytes(map(_DIGITS.index, said[key])) for key in titles]
        )

    def _evaluation(
        self,
        spec: EditSpec,
        titles: Titles,
        counts: Mapping[str, tuple[int, int]],
        predictions: Sequence[bytes] | None,
    ) -> Evaluation:
        tasks = tuple(
            TaskResult(key, title, task_role(key, spec), *counts[key]) for key, title in titles.items()
        )
        return Evaluation(
            spec,
            tasks,
            predictions is None,
            self.seconds,
            self.dtype,
            self.device,
            precomputed=True,
            predictions=None if predictions is None else tuple(predictions),
        )


def grid_path(folder: Path, shape: str, split: str) -> Path:
    """File of a shape and split in the folder of a lab."""
    return folder / "grid" / f"{shape}-{split}.json.gz"


def save_grid(path: Path, lines: Mapping[str, GridLine]) -> None:
    """Write the lines of all checkpoints: gzip of JSON, an object with the fields of a line a checkpoint."""
    plain = {checkpoint: asdict(line) for checkpoint, line in lines.items()}
    content = json.dumps(plain, separators=(",", ":")).encode()
    atomic_write(path, lambda part: part.write_bytes(gzip.compress(content, 9, mtime=0)))


def read_grid(path: Path) -> dict[str, GridLine]:
    """The lines by checkpoint; none if there is no file. Raises: EvaluationError if it is damaged.

    Cost: a millisecond.
    """
    try:
        plain = json.loads(gzip.decompress(path.read_bytes()))
        return {checkpoint: GridLine(**line) for checkpoint, line in plain.items()}
    except FileNotFoundError:
        return {}
    except (OSError, EOFError, zlib.error, ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path} is not a gamma grid: {error}") from error


def _digits(classes: Sequence[int]) -> str:
    if any(not 0 <= one < len(_DIGITS) for one in classes):
        raise EvaluationError(f"A gamma grid tells {len(_DIGITS)} classes of a task apart, got {classes}.")
    return "".join(_DIGITS[one] for one in classes)
