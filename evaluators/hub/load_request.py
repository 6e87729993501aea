"""Value of a request to load a public encoder, and of each step's progress."""

from dataclasses import dataclass

from evaluators.errors import SpecError
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS
from evaluators.zoo.checkpoint_families import CheckpointFamily

IMAGES = 256
LEAST_TASKS = 2
"""A target and a control."""


WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
ENCODER = "encoder"


@dataclass(frozen=True)
class LoadStep:
    """Progress of one part of a load: the encoder, a task, or a member of a soup.

    Args:
        key: ``"encoder"``, a task's key, or the name of a member.
        title: as the page shows it.
        state: "waiting", "running", "done" or "failed".
        phase: the current activity, the result, or the error as a sentence.
        done, total: in ``unit``; total 0 while it is not known.
        unit: "bytes", "images", "questions" or "".
    """

    key: str
    title: str
    state: str = WAITING
    phase: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""


@dataclass(frozen=True)
class LoadRequest:
    """An encoder, tasks and checkpoints to load.

    Args:
        model: key of an encoder of the zoo.
        family: key of a checkpoint family.
        tasks: keys of tasks of the family's suite, at least two.
        images: test images per task; 0 for all, which leaves none for validation where a data set has no
            split for it.
        members: of a family with several checkpoints of one task; empty for those it suggests.
        checkpoints: whether the family's checkpoints are loaded; without them there are only added ones.
    Raises: SpecError for an unknown key, fewer than two tasks, tasks of another suite than the family's, a
        family's own task left out, or a negative number.
    """

    model: str = "ViT-B-32"
    family: str = "tall-masks"
    tasks: tuple[str, ...] = BENCHMARKS[8]
    images: int = IMAGES
    members: tuple[str, ...] = ()
    checkpoints: bool = True

    def __post_init__(self) -> None:
        for what, name, known in (("model", self.model, ENCODERS), ("family", self.family, FAMILIES)):
            if name not in known:
                raise SpecError(f"There is no {what} {name!r}: pick one of {', '.join(known)}.")
        unknown = [task for task in self.tasks if task not in TASKS]
        if unknown:
            raise SpecError(f"There is no task {', '.join(unknown)}: pick from {', '.join(TASKS)}.")
        if len(set(self.tasks)) < LEAST_TASKS:
            raise SpecError("Load at least two tasks: one is the target, the others show what is forgotten.")
        self._check_family(FAMILIES[self.family])
        if isinstance(self.images, bool) or not isinstance(self.images, int) or self.images < 0:
            raise SpecError(f"images must be a whole number of images per task, or 0, got {self.images!r}.")

    def _check_family(self, family: CheckpointFamily) -> None:
        suited = [key for key, task in TASKS.items() if task.suite == family.suite]
        foreign = [task for task in self.tasks if task not in suited]
        if foreign:
            raise SpecError(
                f"{family.title} is not measured on {', '.join(foreign)}: pick from {', '.join(suited)}."
            )
        if self.model not in family.models:
            raise SpecError(
                f"{family.title} has checkpoints of {', '.join(family.models)}, not of {self.model}."
            )
        if family.target and family.target not in self.tasks:
            raise SpecError(
                f"{family.title} was fine-tuned on {TASKS[family.target].title}: "
                f"pick {family.target} as well."
            )
        unknown = [member for member in self.members if member not in family.members]
        if unknown:
            known = f"{family.members[0]} to {family.members[-1]}" if family.members else "one for each task"
            raise SpecError(f"{family.title} has no {', '.join(unknown)}, but {known}.")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The members to load, each once; none for a family with one checkpoint for each task."""
        if not self.checkpoints:
            return ()
        return tuple(dict.fromkeys(self.members or FAMILIES[self.family].suggested))

    @property
    def title(self) -> str:
        """Name of the encoder on the page."""
        return ENCODERS[self.model].title

    @property
    def steps(self) -> tuple[LoadStep, ...]:
        """All steps of the load, waiting, in order."""
        return (
            LoadStep(ENCODER, self.title),
            *(LoadStep(key, TASKS[key].title) for key in self.tasks),
            *(LoadStep(member, member) for member in self.chosen),
        )
