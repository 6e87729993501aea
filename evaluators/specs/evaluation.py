"""Result of evaluating an edited model: counts and intervals by task, predictions, dtype and device."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evaluators.errors import EvaluationError, SpecError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.intervals import mean_interval, tasks_interval, wilson_interval
from evaluators.specs.predictions import unpack

TARGET = "target"
CONTROL = "control"


def task_role(task: str, spec: EditSpec) -> str:
    """``"target"`` for a task that the spec's residual was fine-tuned on, ``"control"`` for any other."""
    return TARGET if task in spec.targets else CONTROL


@dataclass(frozen=True)
class TaskResult:
    """Correct predictions of an edited model on one task.

    Args:
        key: of the task.
        title: name on the page.
        role: ``"target"`` for a task the residual was fine-tuned on, ``"control"`` for the others.
        correct: images classified correctly.
        n: images evaluated.
    """

    key: str
    title: str
    role: str
    correct: int
    n: int

    def __post_init__(self) -> None:
        if self.role not in (TARGET, CONTROL):
            raise EvaluationError(f"A task is a target or a control, got role {self.role!r}.")
        if self.n < 1 or not 0 <= self.correct <= self.n:
            raise EvaluationError(f"{self.key}: {self.correct} correct of {self.n} cannot be.")

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy, a fraction in [0, 1]."""
        return self.correct / self.n

    @property
    def low(self) -> float:
        """Lower end of the Wilson 95 % interval."""
        return wilson_interval(self.correct, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end of the Wilson 95 % interval."""
        return wilson_interval(self.correct, self.n)[1]


@dataclass(frozen=True)
class Evaluation:
    """The answer to an ``EditSpec``.

    Args:
        spec: of the edited model.
        tasks: one result a task. One is the target and the others are controls; of a merge, one or more are
            targets and there may be no control at all.
        complete: False while further chunks are to follow.
        seconds: wall time of the computation, also of a cached one.
        dtype: of the forward pass, ``"float32"`` or ``"bfloat16"``.
        device: ``"cpu"`` or ``"cuda"``.
        precomputed: True if it shipped with the lab instead of being computed on this machine.
        predictions: predicted class of each counted image, one ``predictions.pack`` a task, in the order in
            which the images are counted; None if only counts are known.
    """

    spec: EditSpec
    tasks: tuple[TaskResult, ...]
    complete: bool
    seconds: float
    dtype: str
    device: str
    precomputed: bool = False
    predictions: tuple[bytes, ...] | None = None

    def __post_init__(self) -> None:
        roles = [task.role for task in self.tasks]
        if TARGET not in roles:
            raise EvaluationError(f"An evaluation has a target, got {roles}.")
        if self.spec.merge is None and (roles.count(TARGET) != 1 or CONTROL not in roles):
            raise EvaluationError(f"An evaluation has one target and at least one control, got {roles}.")
        if len({task.key for task in self.tasks}) != len(self.tasks):
            raise EvaluationError(f"A task is counted twice: {[task.key for task in self.tasks]}.")
        if self.predictions is not None:
            sizes = [len(packed) for packed in self.predictions]
            if len(sizes) != len(self.tasks) or any(
                size not in (task.n, 2 * task.n) for size, task in zip(sizes, self.tasks, strict=True)
            ):
                raise EvaluationError(f"Predictions of {sizes} bytes do not fit {self.tasks}.")

    @property
    def target_task(self) -> TaskResult:
        """The task the checkpoint was fine-tuned on; of a merge, the first of them."""
        return self.target_tasks[0]

    @property
    def target_tasks(self) -> tuple[TaskResult, ...]:
        """The tasks the residual was fine-tuned on."""
        return tuple(task for task in self.tasks if task.role == TARGET)

    @property
    def control_tasks(self) -> tuple[TaskResult, ...]:
        """The tasks that should not be forgotten."""
        return tuple(task for task in self.tasks if task.role == CONTROL)

    @property
    def target(self) -> float:
        """Unweighted mean accuracy over the target tasks, a fraction in [0, 1]."""
        return sum(task.accuracy for task in self.target_tasks) / len(self.target_tasks)

    @property
    def control(self) -> float:
        """Unweighted mean accuracy over the control tasks, a fraction in [0, 1].

        Raises: EvaluationError if there is none, as when all tasks of a suite are merged.
        """
        if not self.control_tasks:
            raise EvaluationError("All tasks are targets of this merge: there is no control accuracy.")
        return sum(task.accuracy for task in self.control_tasks) / len(self.control_tasks)

    @property
    def target_interval(self) -> tuple[float, float]:
        """95 % interval of ``target``: Wilson's, or of several tasks for these tasks and other images."""
        return tasks_interval([(task.correct, task.n) for task in self.target_tasks])

    @property
    def control_interval(self) -> tuple[float, float]:
        """95 % interval of ``control`` for these tasks and other images."""
        return mean_interval([(task.correct, task.n) for task in self.control_tasks])

    def predicted(self, task: int) -> tuple[int, ...]:
        """Predicted class of each counted image of the task at a position; empty if only counts are known."""
        return () if self.predictions is None else unpack(self.predictions[task], self.tasks[task].n)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of ``from_dict``; predictions in base64, if there are any."""
        plain = asdict(self)
        plain["spec"] = self.spec.as_dict()
        plain["tasks"] = [asdict(task) for task in self.tasks]
        del plain["predictions"]
        if self.predictions is not None:
            plain["predictions"] = [b64encode(packed).decode() for packed in self.predictions]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Evaluation":
        """Inverse of ``as_dict``.

        Raises: EvaluationError if something is missing, foreign, of another type or impossible.
        """
        try:
            values = dict(plain)
            spec = EditSpec.from_dict(values.pop("spec"))
            tasks = tuple(TaskResult(**task) for task in values.pop("tasks"))
            if (packed := values.pop("predictions", None)) is not None:
                values["predictions"] = tuple(b64decode(text, validate=True) for text in packed)
            return cls(spec=spec, tasks=tasks, **values)
        except (KeyError, TypeError, SpecError, binascii.Error) as error:
            raise EvaluationError(f"This is not a stored evaluation: {error}") from error
