"""Value of a request to load a public text model."""

from dataclasses import dataclass

from evaluators.errors import SpecError
from evaluators.hub.load_request import ENCODER, LEAST_TASKS, LoadStep
from evaluators.zoo.public_texts import GLUE_TASKS, TEXT_MODELS

QUESTIONS = 64
MERGES = "merges"
"""Key of the last step."""


@dataclass(frozen=True)
class TextLoadRequest:
    """A text model, and the tasks whose questions and checkpoints are loaded with it.

    Args:
        model: key of a text model of the zoo.
        tasks: keys of tasks of GLUE, at least two.
        questions: test questions per task, and validation questions per task; at most half of the rows each.
    Raises: SpecError for an unknown key, fewer than two tasks, or no positive number.
    """

    model: str = next(iter(TEXT_MODELS))
    tasks: tuple[str, ...] = tuple(GLUE_TASKS)
    questions: int = QUESTIONS

    def __post_init__(self) -> None:
        if self.model not in TEXT_MODELS:
            raise SpecError(f"There is no text model {self.model!r}: pick one of {', '.join(TEXT_MODELS)}.")
        unknown = [task for task in self.tasks if task not in GLUE_TASKS]
        if unknown:
            raise SpecError(f"GLUE has no task {', '.join(unknown)} here: pick from {', '.join(GLUE_TASKS)}.")
        if len(set(self.tasks)) < LEAST_TASKS:
            raise SpecError("Load at least two tasks: one is the target, the others show what is forgotten.")
        if isinstance(self.questions, bool) or not isinstance(self.questions, int) or self.questions < 1:
            raise SpecError(f"questions must be a whole number per task from 1, got {self.questions!r}.")

    @property
    def title(self) -> str:
        """Name of the model on the page."""
        return TEXT_MODELS[self.model].title

    @property
    def steps(self) -> tuple[LoadStep, ...]:
        """All steps of the load, waiting, in order."""
        return (
            LoadStep(ENCODER, self.title),
            *(LoadStep(key, GLUE_TASKS[key].title) for key in self.tasks),
            LoadStep(MERGES, "α of merges (Eq. 2)"),
        )
