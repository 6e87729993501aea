"""Base class of the labs: resolves edits, and loads encoder, images and heads on first use."""

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from evaluators.data.image_batches import ImageBatches
from evaluators.data.image_subset import Subset
from evaluators.data.task_list import Task
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.typed_heads import TypedHeads
from evaluators.errors import SpecError
from evaluators.specs.class_names import ClassNames
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import task_of
from evaluators.specs.resolved_spec import ResidualSpec, ResolvedSpec

if TYPE_CHECKING:
    from evaluators.labs.loaded_checkpoint import LoadedCheckpoint


@dataclass(frozen=True)
class ModelInfo:
    """A pre-trained encoder.

    Args:
        key: for ``EditSpec.model``.
        title: name on the page.
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
    """A fine-tuned checkpoint.

    Args:
        key: for ``EditSpec.checkpoint``; the part after its last dot is the key of its target task.
        title: name on the page.
        suite: of its target task.
    """

    key: str
    title: str
    suite: str


@dataclass(frozen=True)
class Variant:
    """Another fine-tuning procedure, compared with the default one.

    Args:
        key: its checkpoints are ``<key>.<task>``.
        kind: ``"rates"`` (learning rates by depth), ``"lora"`` (low-rank updates) or ``"soup"`` (a member).
        title: name on the page.
        help: one sentence.
    """

    key: str
    kind: str
    title: str
    help: str


class Lab(ABC):
    """An encoder with its checkpoints, tasks and evaluation images. Thread-safe.

    Args:
        info: the encoder.
        device: where the image tower runs.
        chunk: images a chunk over all tasks.
    """

    def __init__(self, info: ModelInfo, device: torch.device, chunk: int) -> None:
        self.info = info
        self.device = device
        self.chunk = chunk
        self._loading = threading.RLock()  # held for seconds while the encoder or images are loaded
        self._encoder: LiveEncoder | None = None
        self._images: dict[tuple[str, str], ImageBatches] = {}
        self._heads: dict[str, tuple[Tensor, ...]] = {}
        self.typed_heads = TypedHeads(self._typed_head)

    # What a subclass provides

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Of the image tower."""

    @abstractmethod
    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """Fine-tuned checkpoints in the order of their tasks."""

    def compared(self) -> tuple[CheckpointInfo, ...]:
        """Checkpoints of the variants, which are only shown beside others."""
        return ()

    def variants(self) -> tuple[Variant, ...]:
        """The fine-tuning procedures of the compared checkpoints."""
        return ()

    # Visitors' own checkpoints

    @property
    @abstractmethod
    def weights(self) -> Path:
        """File of the whole pre-trained CLIP."""

    @property
    @abstractmethod
    def weights_identity(self) -> str:
        """Content name of the pre-trained weights."""

    @abstractmethod
    def target_tasks(self) -> tuple[Task, ...]:
        """The tasks that a visitor's checkpoint may have been fine-tuned on."""

    @abstractmethod
    def own_checkpoints(self) -> "tuple[LoadedCheckpoint, ...]":
        """The visitor's own among the checkpoints."""

    @abstractmethod
    def _extended(self, added: "Sequence[LoadedCheckpoint]") -> "Lab":
        """This lab with more checkpoints; everything loaded is shared with it."""

    def with_checkpoints(self, added: "Sequence[LoadedCheckpoint]") -> "Lab":
        """This lab as a visitor sees it who has added checkpoints; everything loaded is shared with it.

        Those of other weights, or of a task that is not loaded, are left out.
        """
        tasks = {task.key for task in self.target_tasks()}
        fitting = [
            checkpoint
            for checkpoint in added
            if checkpoint.identity.startswith(f"{self.weights_identity} ")
            and task_of(checkpoint.info.key) in tasks
        ]
        if not fitting:
            return self
        for checkpoint in fitting:
            self.encoder.residual_paths[checkpoint.info.key] = checkpoint.residual
        return self._extended(fitting)

    def is_private(self, keys: Sequence[str]) -> bool:
        """Whether one of these is a visitor's own checkpoint."""
        return not {checkpoint.info.key for checkpoint in self.own_checkpoints()}.isdisjoint(keys)

    def tuned_gammas(self) -> Mapping[str, float]:
        """Gamma by checkpoint, chosen on validation by C.1 when the lab was made."""
        return {}

    @abstractmethod
    def tasks(self, suite: str) -> tuple[Task, ...]:
        """Tasks that are evaluated together, in the order of every ``Evaluation``."""

    @abstractmethod
    def count(self, task: Task, split: str) -> int:
        """Number of images of a task in a split. Raises: LabError if a file is damaged."""

    @abstractmethod
    def content_digests(self, resolved: ResolvedSpec) -> Sequence[str]:
        """SHA-256 of all files that decide the counts of an evaluation."""

    @abstractmethod
    def _open_encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError."""

    @abstractmethod
    def _subset(self, task: Task, split: str) -> Subset:
        """Images of a task and split. Raises: LabError."""

    @abstractmethod
    def _head(self, task: Task) -> Tensor:
        """Zero-shot head of a task, (D, classes)."""

    @abstractmethod
    def _typed_head(self, names: ClassNames) -> Tensor:
        """The same of class names that a visitor typed."""

    # Resolving specs

    def resolve(self, spec: EditSpec) -> ResolvedSpec:
        """Canonical form of a spec. Raises: SpecError if this lab lacks something that it names."""
        checkpoints = {info.key: info for info in (*self.checkpoints(), *self.compared())}
        for key in spec.sources:
            if key not in checkpoints:
                raise SpecError(f"There is no checkpoint {key!r}: pick one of {', '.join(checkpoints)}.")
        suites = {checkpoints[key].suite for key in spec.sources}
        if len(suites) > 1:
            raise SpecError(
                "Only checkpoints that are evaluated on the same tasks can be merged, got suites "
                f"{' and '.join(sorted(suites))}."
            )
        suite = suites.pop()
        scales = spec.scales(self.info.num_blocks)
        edited = any((*scales.blocks, scales.before, scales.after))
        available = self.max_images(suite, spec.split, spec.targets if spec.merge else ())
        images = min(spec.images, available) if spec.images else available
        residual: ResidualSpec = (spec.merge or spec.checkpoint) if edited else ""
        return ResolvedSpec(self.info.key, residual, scales, suite, spec.split, images)

    def tasks_with_images(self, suite: str, split: str) -> tuple[Task, ...]:
        """Tasks of a suite that have images in a split: shifted data sets have only a test split."""
        return tuple(task for task in self.tasks(suite) if self.count(task, split))

    def max_images(self, suite: str, split: str, needed: Sequence[str] = ()) -> int:
        """Largest number of images that a task of a suite has.

        Args:
            needed: keys of the tasks that must have images; all by default.
        Raises: SpecError if one of these has none.
        """
        counts = {task.key: self.count(task, split) for task in self.tasks(suite)}
        if absent := [key for key, count in counts.items() if not count and (key in needed or not needed)]:
            raise SpecError(
                f"There are no {split!r} images for {', '.join(absent)}: "
                f"suite {suite!r} can only be evaluated on another split."
            )
        return max(counts.values())

    def key(self, resolved: ResolvedSpec, schema: int) -> str:
        """Cache key of an evaluation: a hash of everything that decides its counts."""
        parts = {
            "schema": schema,
            "measurement": resolved.as_dict(),
            "tasks": task_identity(self.tasks_with_images(resolved.suite, resolved.split)),
            "files": list(self.content_digests(resolved)),
            "dtype": str(self.dtype),
            "device": self.device.type,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    # Loaded on first use

    @property
    def encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError if its files do not fit together. Cost: seconds, once."""
        with self._loading:
            if self._encoder is None:
                self._encoder = self._open_encoder()
            return self._encoder

    @property
    def failure(self) -> str:
        """How the encoder's device failed; empty while it works, or before the encoder is loaded."""
        return "" if self._encoder is None else self._encoder.problem

    def images(self, suite: str, split: str) -> ImageBatches:
        """Images of a suite and split, of the tasks that have some. Raises: LabError."""
        tasks = self.tasks_with_images(suite, split)
        with self._loading:
            if (suite, split) not in self._images:
                subsets = [self._subset(task, split) for task in tasks]
                images = ImageBatches(subsets, *self._normalisation(), self.device, self.dtype, self.chunk)
                self._images[suite, split] = images
            return self._images[suite, split]

    def heads(self, suite: str) -> tuple[Tensor, ...]:
        """Zero-shot heads of a suite's tasks, (D, classes) each."""
        with self._loading:
            if suite not in self._heads:
                self._heads[suite] = tuple(map(self._head, self.tasks(suite)))
            return self._heads[suite]

    def heads_with_images(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """Heads of the tasks that are evaluated, in the order of `images`."""
        evaluated = self.tasks_with_images(resolved.suite, resolved.split)
        heads = zip(self.tasks(resolved.suite), self.heads_for(resolved), strict=True)
        return tuple(head for task, head in heads if task in evaluated)

    def heads_for(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """Heads of all tasks of a suite: zero-shot, unless the checkpoint was fine-tuned with a head."""
        return tuple(map(ClassifierHead, self.heads(resolved.suite)))

    @abstractmethod
    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and standard deviation a channel, of images in [0, 1]."""


def task_identity(tasks: Sequence[Task]) -> str:
    """The fields of tasks that decide counts, as JSON: titles and blurbs may change."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])
