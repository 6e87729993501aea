"""What every lab can do: one encoder, its checkpoints and tasks, and what an ``EditSpec`` means there."""

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from evaluators.errors import SpecError
from evaluators.live import LiveEncoder
from evaluators.measurement import Measurement
from evaluators.pictures import Pictures
from evaluators.spec import EditSpec
from evaluators.subsets import Subset
from evaluators.tasks import Task


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


class Lab(ABC):
    """Model, checkpoints, tasks and pictures. Any method may be called from any thread.

    A lab of its own kind says what it holds and how it is read; weights, pictures and heads are read here,
    when first asked for, and kept.

    Args:
        info: the encoder.
        device: where the image tower runs.
        chunk: pictures a chunk over all tasks.
    """

    def __init__(self, info: ModelInfo, device: torch.device, chunk: int) -> None:
        self.info = info
        self.device = device
        self.chunk = chunk
        self._loading = threading.RLock()  # held for seconds while the encoder or pictures are read
        self._encoder: LiveEncoder | None = None
        self._pictures: dict[tuple[str, str], Pictures] = {}
        self._heads: dict[str, tuple[Tensor, ...]] = {}

    # What a kind of lab says about itself

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """What the image tower runs in."""

    @abstractmethod
    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints, in the order of their tasks."""

    @abstractmethod
    def tasks(self, suite: str) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""

    @abstractmethod
    def count(self, task: Task, split: str) -> int:
        """Pictures of a task in a split, 0 if there are none. Raises: LabError if that cannot be told."""

    @abstractmethod
    def evidence(self, measurement: Measurement) -> Sequence[str]:
        """Names, by content, all files that decide the counts of a measurement."""

    @abstractmethod
    def _open_encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError."""

    @abstractmethod
    def _subset(self, task: Task, split: str) -> Subset:
        """The pictures of a task and split. Raises: LabError."""

    @abstractmethod
    def _head(self, task: Task) -> Tensor:
        """The zero-shot classifier of a task, (D, classes)."""

    # What a spec means here

    def measurement(self, spec: EditSpec) -> Measurement:
        """What the spec asks to be measured. Raises: SpecError if this lab cannot answer it."""
        checkpoints = {one.key: one for one in self.checkpoints()}
        if spec.checkpoint not in checkpoints:
            raise SpecError(
                f"There is no checkpoint {spec.checkpoint!r}: pick one of {', '.join(checkpoints)}."
            )
        suite = checkpoints[spec.checkpoint].suite
        scales = spec.scales(self.info.num_blocks)
        edited = any((*scales.blocks, scales.before, scales.after))
        largest = self.largest(suite, spec.split)
        images = min(spec.images, largest) if spec.images else largest
        checkpoint = spec.checkpoint if edited else ""
        return Measurement(self.info.key, checkpoint, scales, suite, spec.split, images)

    def largest(self, suite: str, split: str) -> int:
        """Pictures of the task that has most of them. Raises: SpecError if a task has none."""
        counts = {task.key: self.count(task, split) for task in self.tasks(suite)}
        absent = [key for key, count in counts.items() if not count]
        if absent:
            raise SpecError(
                f"There are no {split!r} pictures for {', '.join(absent)}: "
                f"suite {suite!r} can only be measured on another split."
            )
        return max(counts.values())

    def key(self, measurement: Measurement, schema: int) -> str:
        """Names the measurement by everything that decides its counts, so that no stale number survives."""
        parts = {
            "schema": schema,
            "measurement": asdict(measurement) | {"scales": list(measurement.scales)},
            "tasks": meaning(self.tasks(measurement.suite)),
            "files": list(self.evidence(measurement)),
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

    def pictures(self, suite: str, split: str) -> Pictures:
        """The pictures of a suite and split, interleaved. Raises: SpecError if a task has none; LabError."""
        self.largest(suite, split)
        with self._loading:
            pictures = self._pictures.get((suite, split))
            if pictures is None:
                subsets = [self._subset(task, split) for task in self.tasks(suite)]
                pictures = Pictures(subsets, *self._normalisation(), self.device, self.dtype, self.chunk)
                self._pictures[suite, split] = pictures
            return pictures

    def heads(self, suite: str) -> tuple[Tensor, ...]:
        """The zero-shot classifiers of a suite's tasks, (D, classes) each."""
        with self._loading:
            heads = self._heads.get(suite)
            if heads is None:
                heads = tuple(self._head(task) for task in self.tasks(suite))
                self._heads[suite] = heads
            return heads

    @abstractmethod
    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and standard deviation a channel, of pictures in [0, 1]."""


def meaning(tasks: Sequence[Task]) -> str:
    """What of the tasks decides numbers: titles and blurbs may be reworded."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])
