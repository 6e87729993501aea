"""Load a public CLIP with its tasks and checkpoints, step by step, each step telling how far it is.

Whatever was loaded before is taken from disk, so a load that was stopped or failed goes on where it was.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.task_list import Task
from evaluators.errors import Cancelled, LabError, SpecError
from evaluators.hub.checkpoint_import import CheckpointImporter, LoadedCheckpoint
from evaluators.hub.head_files import head_path, read_head, save_head
from evaluators.hub.hub_encoder import HubEncoder, TextTower
from evaluators.hub.hub_lab import HubLab, LoadedTask
from evaluators.hub.imagenet_class_names import ALL_OF_IMAGENET, as_task
from evaluators.hub.images.hub_subset import HubSubset, hub_subset
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, TASKS
from evaluators.zoo.checkpoint_families import CheckpointFamily, match
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import IMAGENET, HubTask
from lines_core.errors import LinesError

IMAGES = 256
SPLIT_WORDS = {"test": "test", "val": "validation"}
LEAST_TASKS = 2
"""A target and a control."""


@dataclass(frozen=True)
class LoadRequest:
    """What is to be loaded.

    Args:
        model: key of an encoder of the zoo.
        family: key of a checkpoint family.
        tasks: keys of tasks of the family's suite, at least two.
        images: test images a task; 0 for all, which leaves none for validation where a data set has no
            split for it.
        members: of a family that has several checkpoints of one task; empty for those it suggests.
    Raises: SpecError for an unknown key, fewer than two tasks, tasks of another suite than the family's, a
        family's own task left out, or a negative number.
    """

    model: str = "ViT-B-32"
    family: str = "tall-masks"
    tasks: tuple[str, ...] = BENCHMARKS[8]
    images: int = IMAGES
    members: tuple[str, ...] = ()

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
            raise SpecError(f"images must be a whole number of images a task, or 0, got {self.images!r}.")

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
        """The members that are loaded, each once; none of a family that has one checkpoint for each task."""
        return tuple(dict.fromkeys(self.members or FAMILIES[self.family].suggested))


WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
ENCODER = "encoder"


@dataclass(frozen=True)
class LoadStep:
    """How far one part of a load is: the encoder, a task, or a member of a soup.

    Args:
        key: ``"encoder"``, a task's key, or the name of a member.
        title: in the page's words.
        state: "waiting", "running", "done" or "failed".
        phase: what is being done now, or what went wrong, as a sentence.
        done, total: in ``unit``; total 0 while it is not known.
        unit: "bytes", "images" or "".
    """

    key: str
    title: str
    state: str = WAITING
    phase: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""


Tell = Callable[[LoadStep], None]


def steps_of(load_request: LoadRequest) -> tuple[LoadStep, ...]:
    """The steps of a load before it begins, in their order."""
    encoder = ENCODERS[load_request.model]
    tasks = (LoadStep(key, TASKS[key].title) for key in load_request.tasks)
    return (
        LoadStep(ENCODER, encoder.title),
        *tasks,
        *(LoadStep(member, member) for member in load_request.chosen),
    )


def images_told(task: Task, subsets: Mapping[str, HubSubset]) -> str:
    """What was loaded of a task, and whether classes are left out, in words."""
    counts = [f"{len(found.subset):,} {SPLIT_WORDS[split]}" for split, found in subsets.items()]
    covered = min(found.classes_covered for found in subsets.values())
    less = "" if covered == len(task.classes) else f"; {covered} of {len(task.classes)} classes occur"
    return f"{' and '.join(counts)} images{less}"


class Loader:
    """Loads labs of the Hub into a cache folder.

    Args:
        cache: for images, heads and residuals. What is downloaded lies in the Hub's own cache.
        device: that encoders run on.
    """

    def __init__(self, cache: Path, device: torch.device) -> None:
        self.cache = cache
        self.residuals = cache / "residuals"
        self.device = device

    def load(
        self, load_request: LoadRequest, tell: Tell, stop: threading.Event, earlier: HubLab | None = None
    ) -> HubLab:
        """What was wished for, as far as it can be had: a task that fails is told and left out.

        Args:
            tell: called often, from this thread, with the step that has changed.
            stop: once set, the load ends within about a second.
            earlier: a lab of the same encoder, whose image tower is taken over.
        Raises: Cancelled; HubError, LabError or CheckpointError if there is no encoder, or fewer than two
            tasks were left.
        """
        row = ENCODERS[load_request.model]
        steps = {step.key: step for step in steps_of(load_request)}
        with _told(steps[ENCODER], tell) as step:
            fetched = self._fetch_weights(row, step, stop)
            identity = f"{fetched.repo} {fetched.etag}"
            step.phase("opening")
            live = earlier.live if earlier is not None and earlier.live.identity == identity else None
            live = live or HubEncoder(row, fetched.path, identity, self.device, self.cache / "pace")
            heads, imagenet = self._heads(load_request, row, fetched.path, identity, step, stop)
        family = FAMILIES[load_request.family]
        importer = CheckpointImporter(row, live, identity, fetched.path, self.residuals)
        tasks: list[LoadedTask] = []
        checkpoints: list[LoadedCheckpoint] = []
        for key in load_request.tasks:
            try:
                with _told(steps[key], tell) as step:
                    task = as_task(TASKS[key])
                    subsets = self._subsets(TASKS[key], load_request.images, row, step, stop)
                    tasks.append(LoadedTask(task, heads[key], subsets, TASKS[key].imagenet))
                    step.result = images_told(task, subsets)
                    if not family.members:
                        step.phase("checkpoint", "bytes")
                        checkpoints.append(importer.of_family(family, TASKS[key], step.count, stop))
                        step.result = "; ".join(filter(None, (step.result, checkpoints[-1].note)))
            except Cancelled:
                raise
            except LinesError:
                continue  # told already, and the other tasks do not need it
        there = {loaded.task.key for loaded in tasks}
        for member in load_request.chosen if family.target in there else ():
            try:
                with _told(steps[member], tell) as step:
                    step.phase("checkpoint", "bytes")
                    target = TASKS[family.target]
                    checkpoints.append(importer.of_member(family, member, target, step.count, stop))
                    step.result = checkpoints[-1].note
            except Cancelled:
                raise
            except LinesError:
                continue  # likewise
        if len(tasks) < LEAST_TASKS or not checkpoints:
            raise LabError(
                f"Of {row.title}, {len(tasks)} tasks and {len(checkpoints)} checkpoints could be loaded; it "
                "takes two tasks and a checkpoint of one to compare. The steps above say what went wrong."
            )
        return HubLab(live, tasks, checkpoints, imagenet)

    def _fetch_weights(self, row: Encoder, step: "_Teller", stop: threading.Event) -> Fetched:
        step.phase("weights", "bytes")
        listed = list_files(row.repo, revision=row.revision)
        name = next((found for wanted in row.weights if (found := match(wanted, listed))), row.weights[0])
        return fetch(row.repo, name, revision=row.revision, progress=step.count, stop=stop)

    def _heads(
        self,
        load_request: LoadRequest,
        row: Encoder,
        weights: Path,
        identity: str,
        step: "_Teller",
        stop: threading.Event,
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """The head of every task, and that of all of ImageNet's classes if it is the tasks' suite.

        That one is made once, and the heads of the suite are columns of it. The text tower is opened only if
        a head has to be made.
        """
        if FAMILIES[load_request.family].suite == IMAGENET:
            rows = [replace(TASKS[FAMILIES[load_request.family].target], imagenet=ALL_OF_IMAGENET)]
        else:
            rows = [TASKS[key] for key in load_request.tasks]
        tasks = [as_task(row) for row in rows]
        made = self._made_heads(tasks, row, weights, identity, step, stop)
        if FAMILIES[load_request.family].suite != IMAGENET:
            return made, None
        imagenet = made[tasks[0].key]
        return {key: imagenet[:, list(TASKS[key].imagenet or ())] for key in load_request.tasks}, imagenet

    def _made_heads(
        self,
        tasks: Sequence[Task],
        row: Encoder,
        weights: Path,
        identity: str,
        step: "_Teller",
        stop: threading.Event,
    ) -> dict[str, Tensor]:
        """Heads by the keys of their tasks, read from the cache, else made and cached."""
        paths = {task.key: head_path(self.cache / "heads", row, identity, task) for task in tasks}
        found = {task.key: read_head(paths[task.key], row, task) for task in tasks}
        heads = {key: head for key, head in found.items() if head is not None}
        if len(heads) == len(tasks):
            return heads
        text = TextTower(row, weights, self.device)
        try:
            for task in tasks:
                step.phase(f"class names of {task.title}", "classes")
                if task.key not in heads:
                    heads[task.key] = text.head(task, _stoppable(step.count, stop)).cpu()
                    save_head(paths[task.key], heads[task.key])
        finally:
            text.close()
        return heads

    def _subsets(
        self, row: HubTask, images: int, encoder: Encoder, step: "_Teller", stop: threading.Event
    ) -> dict[str, HubSubset]:
        """Test images, and validation images where there are any."""
        subsets = {}
        for split in SPLITS[::-1]:
            step.phase(f"{SPLIT_WORDS[split]} images", "images")
            try:
                subsets[split] = hub_subset(
                    row,
                    split,
                    images,
                    image_size=encoder.image_size,
                    cache=self.cache / "images",
                    progress=step.count,
                    stop=stop,
                )
            except SpecError:
                if split == "test":
                    raise
        return subsets


class _Teller:
    """A step that tells of its changes."""

    def __init__(self, step: LoadStep, tell: Tell) -> None:
        self.step = step
        self.result = ""
        self._tell = tell

    def phase(self, phase: str, unit: str = "") -> None:
        self.tell(state=RUNNING, phase=phase, unit=unit, done=0, total=0)

    @property
    def count(self) -> Progress:
        return lambda done, total: self.tell(done=done, total=total)

    def tell(self, **changes: object) -> None:
        self.step = replace(self.step, **changes)  # type: ignore[arg-type]
        self._tell(self.step)


@contextmanager
def _told(step: LoadStep, tell: Tell) -> Iterator[_Teller]:
    """A step that is told as done at the end, or as failed with the reason."""
    teller = _Teller(step, tell)
    teller.phase("starting")
    try:
        yield teller
    except Cancelled:
        teller.tell(state=WAITING, phase="stopped", unit="", done=0, total=0)
        raise
    except LinesError as error:
        teller.tell(state=FAILED, phase=str(error), unit="", done=0, total=0)
        raise
    teller.tell(state=DONE, phase=teller.result, unit="", done=0, total=0)


def _stoppable(count: Progress, stop: threading.Event) -> Progress:
    """Progress of heads in the making. Raises: Cancelled once ``stop`` is set."""

    def counted(done: int, total: int) -> None:
        if stop.is_set():
            raise Cancelled("The load was stopped while heads were made; those made are kept.")
        count(done, total)

    return counted
