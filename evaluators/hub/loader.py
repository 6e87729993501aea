"""Loader of a public CLIP with its tasks and checkpoints, step by step, with progress and cancellation.

What was loaded before is taken from disk, so a load that was stopped or failed continues where it was.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.task_list import Task
from evaluators.encoder.autotune import EngineConfig
from evaluators.errors import LabError, SpecError
from evaluators.hub.checkpoint_import import CheckpointImporter
from evaluators.hub.head_files import head_path, read_head, save_head
from evaluators.hub.hub_encoder import HubEncoder, TextTower
from evaluators.hub.hub_lab import HubLab, LoadedTask, model_info
from evaluators.hub.imagenet_class_names import ALL_OF_IMAGENET, as_task
from evaluators.hub.images.hub_subset import HubSubset, hub_subset
from evaluators.hub.load_request import ENCODER, LEAST_TASKS, LoadRequest
from evaluators.hub.load_steps import Report, StepReport, optional, reported, stoppable
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.specs.edit_spec import SPLITS
from evaluators.zoo import ENCODERS, FAMILIES, TASKS
from evaluators.zoo.checkpoint_families import find_ignoring_case
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import IMAGENET, HubTask

SPLIT_TITLES = {"test": "test", "val": "validation"}


def images_summary(task: Task, subsets: Mapping[str, HubSubset]) -> str:
    """Images loaded of a task by split, and how many classes occur if not all do."""
    counts = [f"{len(found.subset):,} {SPLIT_TITLES[split]}" for split, found in subsets.items()]
    covered = min(found.classes_covered for found in subsets.values())
    less = "" if covered == len(task.classes) else f"; {covered} of {len(task.classes)} classes occur"
    return f"{' and '.join(counts)} images{less}"


class Loader:
    """Loads labs of the Hub into a cache folder.

    Args:
        cache: for images, heads and residuals. Downloads lie in the Hub's own cache.
        device: that encoders run on.
        config: precision and chunk of another process's encoder; measured here if left out.
    """

    def __init__(self, cache: Path, device: torch.device, config: EngineConfig | None = None) -> None:
        self.cache = cache
        self.config = config
        self.residuals = cache / "residuals"
        self.device = device

    def load(
        self, request: LoadRequest, report: Report, stop: threading.Event, earlier: HubLab | None = None
    ) -> HubLab:
        """The lab of an encoder, without the tasks and checkpoints whose steps have failed.

        Args:
            report: called often, from this thread, with the step that has changed.
            stop: once set, the load ends within about a second.
            earlier: a lab of the same encoder, whose image tower is reused.
        Raises: Cancelled; HubError, LabError or CheckpointError if the encoder, or all but one of the tasks,
            or all checkpoints that are asked for, have failed.
        """
        row = ENCODERS[request.model]
        steps = {step.key: step for step in request.steps}
        with reported(steps[ENCODER], report) as step:
            fetched = self._fetch_weights(row, step, stop)
            identity = f"{fetched.repo} {fetched.etag}"
            step.phase("opening")
            live = earlier.live if earlier is not None and earlier.live.identity == identity else None
            live = live or HubEncoder(
                row, fetched.path, identity, self.device, self.cache / "pace", self.config
            )
            heads, imagenet = self._heads(request, live, step, stop)
        family = FAMILIES[request.family]
        importer = CheckpointImporter(model_info(row), live, identity, fetched.path, self.residuals, row)
        tasks: list[LoadedTask] = []
        checkpoints: list[LoadedCheckpoint] = []
        for key in request.tasks:
            with optional(), reported(steps[key], report) as step:
                task = as_task(TASKS[key])
                subsets = self._subsets(TASKS[key], request.images, row, step, stop)
                tasks.append(LoadedTask(task, heads[key], subsets, TASKS[key].imagenet))
                step.result = images_summary(task, subsets)
                if request.checkpoints and not family.members:
                    step.phase("checkpoint", "bytes")
                    checkpoints.append(importer.of_family(family, TASKS[key], step.count, stop))
                    step.result = "; ".join(filter(None, (step.result, checkpoints[-1].note)))
        loaded = {loaded.task.key for loaded in tasks}
        for member in request.chosen if family.target in loaded else ():
            with optional(), reported(steps[member], report) as step:
                step.phase("checkpoint", "bytes")
                target = TASKS[family.target]
                checkpoints.append(importer.of_member(family, member, target, step.count, stop))
                step.result = checkpoints[-1].note
        if len(tasks) < LEAST_TASKS or (request.checkpoints and not checkpoints):
            raise LabError(
                f"Of {row.title}, {len(tasks)} tasks and {len(checkpoints)} checkpoints could be loaded; it "
                "takes two tasks and a checkpoint of one to compare. The steps above say what went wrong."
            )
        return HubLab(live, tasks, checkpoints, imagenet)

    def _fetch_weights(self, row: Encoder, step: StepReport, stop: threading.Event) -> Fetched:
        step.phase("weights", "bytes")
        listed = list_files(row.repo, revision=row.revision)
        name = next(
            (found for wanted in row.weights if (found := find_ignoring_case(wanted, listed))), row.weights[0]
        )
        return fetch(row.repo, name, revision=row.revision, progress=step.count, stop=stop)

    def _heads(
        self, request: LoadRequest, live: HubEncoder, step: StepReport, stop: threading.Event
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """The head of every task, and that of all of ImageNet's classes if it is the tasks' suite.

        That one is made once, and the heads of the suite are columns of it.
        """
        family = FAMILIES[request.family]
        if family.suite != IMAGENET:
            return self._zero_shot_heads(
                [as_task(TASKS[key]) for key in request.tasks], live, step, stop
            ), None
        task = as_task(replace(TASKS[family.target], imagenet=ALL_OF_IMAGENET))
        imagenet = self._zero_shot_heads([task], live, step, stop)[task.key]
        return {key: imagenet[:, list(TASKS[key].imagenet or ())] for key in request.tasks}, imagenet

    def _zero_shot_heads(
        self, tasks: Sequence[Task], live: HubEncoder, step: StepReport, stop: threading.Event
    ) -> dict[str, Tensor]:
        """Heads by the keys of their tasks, from the cache; the text tower opens only for missing ones."""
        row = live.row
        paths = {task.key: head_path(self.cache / "heads", row, live.identity, task) for task in tasks}
        cached = {task.key: read_head(paths[task.key], row, task) for task in tasks}
        heads = {key: head for key, head in cached.items() if head is not None}
        if len(heads) == len(tasks):
            return heads
        text = TextTower(row, live.weights, self.device)
        for task in tasks:
            step.phase(f"class names of {task.title}", "classes")
            if task.key not in heads:
                heads[task.key] = text.head(task.classes, task.prompts, stoppable(step.count, stop)).cpu()
                save_head(paths[task.key], heads[task.key])
        return heads

    def _subsets(
        self, row: HubTask, images: int, encoder: Encoder, step: StepReport, stop: threading.Event
    ) -> dict[str, HubSubset]:
        """Test images, and validation images where there are any."""
        subsets = {}
        for split in SPLITS[::-1]:
            step.phase(f"{SPLIT_TITLES[split]} images", "images")
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
