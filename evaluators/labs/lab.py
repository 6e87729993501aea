"""What every lab can do: one encoder, its checkpoints and tasks, and what an ``EditSpec`` means there."""

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.data.image_batches import ImageBatches
from evaluators.data.image_subset import Subset
from evaluators.data.task_list import Task
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.resolved_spec import ResidualSpec, ResolvedSpec


@dataclass(frozen=True)
class ModelInfo:
    """A pre-trained encoder that a spec may name.

    Args:
        key: for ``EditSpec.model``.
        title: what the page calls it.
        num_blocks: L, residual blocks of the image tower.
        parameters: weights of the image tower.
        image_size: pixels a side.
    """

    key: str
    title: str
    num_blocks: int
    parameters: int
    image_size: int


@dataclass(frozen=True)
class CheckpointInfo:
    """A fine-tuned checkpoint that a spec may name.

    Args:
        key: for ``EditSpec.checkpoint``; what follows its last dot is the key of its target task.
        title: what the page calls it.
        suite: the tasks that are measured together with its own.
    """

    key: str
    title: str
    suite: str


@dataclass(frozen=True)
class Variant:
    """A way of fine-tuning that is compared with the usual one.

    Args:
        key: its checkpoints are ``<key>.<task>``.
        kind: ``"rates"`` (learning rates by depth), ``"lora"`` (low-rank updates) or ``"soup"`` (a member).
        title: what the page calls it.
        help: one sentence.
    """

    key: str
    kind: str
    title: str
    help: str


class Lab(ABC):
    """Model, checkpoints, tasks and images. Any method may be called from any thread.

    A lab of its own kind says what it holds and how it is read; weights, images and heads are read here,
    when first asked for, and kept.

    Args:
        info: the encoder.
        device: where the image tower runs.
        chunk: images a chunk over all tasks.
    """

    def __init__(self, info: ModelInfo, device: torch.device, chunk: int) -> None:
        self.info = info
        self.device = device
        self.chunk = chunk
        self._loading = threading.RLock()  # held for seconds while the encoder or images are read
        self._encoder: LiveEncoder | None = None
        self._images: dict[tuple[str, str], ImageBatches] = {}
        self._heads: dict[str, tuple[Tensor, ...]] = {}

    # What a kind of lab says about itself

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """What the image tower runs in."""

    @abstractmethod
    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints, in the order of their tasks."""

    def compared(self) -> tuple[CheckpointInfo, ...]:
        """Checkpoints that a spec may name, but that are only shown beside others."""
        return ()

    def variants(self) -> tuple[Variant, ...]:
        """How the compared checkpoints were made."""
        return ()

    def tuned_gammas(self) -> Mapping[str, float]:
        """Gamma by checkpoint, as C.1 chose it on validation when the lab was made."""
        return {}

    @abstractmethod
    def tasks(self, suite: str) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""

    @abstractmethod
    def count(self, task: Task, split: str) -> int:
        """Images of a task in a split, 0 if there are none. Raises: LabError if that cannot be told."""

    @abstractmethod
    def content_digests(self, resolved: ResolvedSpec) -> Sequence[str]:
        """Names, by content, all files that decide the counts of a measurement."""

    @abstractmethod
    def _open_encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError."""

    @abstractmethod
    def _subset(self, task: Task, split: str) -> Subset:
        """The images of a task and split. Raises: LabError."""

    @abstractmethod
    def _head(self, task: Task) -> Tensor:
        """The zero-shot classifier of a task, (D, classes)."""

    # What a spec means here

    def resolve(self, spec: EditSpec) -> ResolvedSpec:
        """What the spec asks to be measured. Raises: SpecError if this lab cannot answer it."""
        checkpoints = {one.key: one for one in (*self.checkpoints(), *self.compared())}
        for key in spec.sources:
            if key not in checkpoints:
                raise SpecError(f"There is no checkpoint {key!r}: pick one of {', '.join(checkpoints)}.")
        suites = {checkpoints[key].suite for key in spec.sources}
        if len(suites) > 1:
            raise SpecError(
                "Only checkpoints that are measured on the same tasks can be merged, got suites "
                f"{' and '.join(sorted(suites))}."
            )
        suite = suites.pop()
        scales = spec.scales(self.info.num_blocks)
        edited = any((*scales.blocks, scales.before, scales.after))
        largest = self.max_images(suite, spec.split, spec.targets if spec.merge else ())
        images = min(spec.images, largest) if spec.images else largest
        residual: ResidualSpec = (spec.merge or spec.checkpoint) if edited else ""
        return ResolvedSpec(self.info.key, residual, scales, suite, spec.split, images)

    def tasks_with_images(self, suite: str, split: str) -> tuple[Task, ...]:
        """Those tasks of a suite that have images on a split: shifted sets are test sets only."""
        return tuple(task for task in self.tasks(suite) if self.count(task, split))

    def max_images(self, suite: str, split: str, needed: Sequence[str] = ()) -> int:
        """Images of the task that has most of them.

        Args:
            needed: keys of the tasks that must have some; all if left out.
        Raises: SpecError if one of them has none.
        """
        counts = {task.key: self.count(task, split) for task in self.tasks(suite)}
        absent = [key for key, count in counts.items() if not count and (key in needed or not needed)]
        if absent:
            raise SpecError(
                f"There are no {split!r} images for {', '.join(absent)}: "
                f"suite {suite!r} can only be measured on another split."
            )
        return max(counts.values())

    def key(self, resolved: ResolvedSpec, schema: int) -> str:
        """Names the measurement by everything that decides its counts, so that no stale number survives."""
        parts = {
            "schema": schema,
            "measurement": resolved.as_dict(),
            "tasks": task_identity(self.tasks_with_images(resolved.suite, resolved.split)),
            "files": list(self.content_digests(resolved)),
            "dtype": str(self.dtype),
            "device": self.device.type,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    # What is read when first asked for

    @property
    def encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError if its files do not fit together. Cost: seconds, once."""
        with self._loading:
            if self._encoder is None:
                self._encoder = self._open_encoder()
            return self._encoder

    @property
    def failure(self) -> str:
        """Why the encoder cannot be run any more; empty while it can, or is not read yet."""
        return "" if self._encoder is None else self._encoder.problem

    def images(self, suite: str, split: str) -> ImageBatches:
        """The images of a suite and split, interleaved, of the tasks that have some. Raises: LabError."""
        tasks = self.tasks_with_images(suite, split)
        with self._loading:
            images = self._images.get((suite, split))
            if images is None:
                subsets = [self._subset(task, split) for task in tasks]
                images = ImageBatches(subsets, *self._normalisation(), self.device, self.dtype, self.chunk)
                self._images[suite, split] = images
            return images

    def heads(self, suite: str) -> tuple[Tensor, ...]:
        """The zero-shot classifiers of a suite's tasks, (D, classes) each."""
        with self._loading:
            heads = self._heads.get(suite)
            if heads is None:
                heads = tuple(self._head(task) for task in self.tasks(suite))
                self._heads[suite] = heads
            return heads

    def heads_with_images(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """The classifiers of those tasks that the measurement counts, in the order of its images."""
        counted = self.tasks_with_images(resolved.suite, resolved.split)
        heads = zip(self.tasks(resolved.suite), self.heads_for(resolved), strict=True)
        return tuple(head for task, head in heads if task in counted)

    def heads_for(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """The classifiers of a measurement's tasks: zero-shot ones, unless its residual brings its own."""
        return tuple(map(ClassifierHead, self.heads(resolved.suite)))

    @abstractmethod
    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and standard deviation a channel, of images in [0, 1]."""


def task_identity(tasks: Sequence[Task]) -> str:
    """What of the tasks decides numbers: titles and blurbs may be reworded."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])
