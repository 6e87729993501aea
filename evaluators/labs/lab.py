"""Base class of the labs: resolves edits, and loads encoder, images and heads on first use."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches, TaskBatches
from evaluators.data.task_list import SUITES, Task, task_identity
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.residual_cache import CancelCheck
from evaluators.errors import SpecError
from evaluators.labs.lab_tasks import LabTasks
from evaluators.labs.own_task import OwnTask
from evaluators.labs.variant import Variant
from evaluators.specs.edit_spec import EditSpec, Scales
from evaluators.specs.merge_spec import MergeSpec, task_of
from evaluators.specs.resolved_spec import ResidualSpec, ResolvedSpec
from lines_core.merging import MergingAlpha, raised_versions

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


class Lab(LabTasks):
    """An encoder with its checkpoints, tasks and evaluation images. Thread-safe.

    Args:
        info: the encoder.
        device: where the image tower runs.
        chunk: images a chunk over all tasks.
    """

    always_here = False
    """Whether it is counted on this machine even where a GPU of ZeroGPU counts others."""

    def __init__(self, info: ModelInfo, device: torch.device, chunk: int) -> None:
        super().__init__(device, chunk)
        self.info = info
        self._encoder: LiveEncoder | None = None

    # What a subclass provides

    @abstractmethod
    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """Fine-tuned checkpoints in the order of their tasks."""

    def compared(self) -> tuple[CheckpointInfo, ...]:
        """Checkpoints of the variants, which are only shown beside others."""
        return ()

    def variants(self) -> tuple[Variant, ...]:
        """The fine-tuning procedures of the compared checkpoints."""
        return ()

    # Visitors' own checkpoints and tasks

    @property
    @abstractmethod
    def weights(self) -> Path:
        """File of the whole pre-trained CLIP."""

    @property
    @abstractmethod
    def weights_identity(self) -> str:
        """Content name of the pre-trained weights."""

    @abstractmethod
    def _built_in_targets(self) -> tuple[Task, ...]:
        """The built-in tasks that a visitor's checkpoint may have been fine-tuned on."""

    @abstractmethod
    def own_checkpoints(self) -> "tuple[LoadedCheckpoint, ...]":
        """The visitor's own among the checkpoints."""

    @abstractmethod
    def _extended(self, added: "Sequence[LoadedCheckpoint]") -> "Lab":
        """This lab with more checkpoints; everything loaded is shared with it."""

    def target_tasks(self) -> tuple[Task, ...]:
        """The tasks that a visitor's checkpoint may have been fine-tuned on."""
        return (*self._built_in_targets(), *(own.task for own in self._own_tasks))

    @property
    def own_suite(self) -> str:
        """The suite of tasks that are added: the usual one, unless this lab is of another."""
        suites = [task.suite for task in self._built_in_targets()]
        return SUITES[0] if SUITES[0] in suites else suites[0]

    def with_own(self, checkpoints: "Sequence[LoadedCheckpoint]", tasks: Sequence[OwnTask] = ()) -> "Lab":
        """This lab as a visitor sees it who has added checkpoints and tasks; it shares everything loaded.

        Those of other weights, and checkpoints of a task that is not there, are left out.
        """
        fitting = tuple(one for one in tasks if one.weights == self.weights_identity)
        targets = {task.key for task in (*self.target_tasks(), *(one.task for one in fitting))}
        added = [
            checkpoint
            for checkpoint in checkpoints
            if checkpoint.identity.startswith(f"{self.weights_identity} ")
            and task_of(checkpoint.info.key) in targets
        ]
        if not added and not fitting:
            return self
        encoder = self.encoder  # loaded once, before it is shared
        for checkpoint in added:
            encoder.residual_paths[checkpoint.info.key] = checkpoint.residual
        view = self._extended(added)
        view._own_tasks = (*self._own_tasks, *fitting)
        return view

    def is_private(self, keys: Sequence[str], suite: str) -> bool:
        """Whether one of these checkpoints, or a task of the suite, is a visitor's own."""
        checkpoints = {checkpoint.info.key for checkpoint in self.own_checkpoints()}
        return not checkpoints.isdisjoint(keys) or any(not own.public for own in self.own_tasks(suite))

    def tuned_gammas(self) -> Mapping[str, float]:
        """Gamma by checkpoint, chosen on validation by C.1 when the lab was made."""
        return {}

    @abstractmethod
    def _content_digests(self, resolved: ResolvedSpec, tasks: Sequence[Task]) -> Sequence[str]:
        """SHA-256 of all files that decide the counts of these built-in tasks."""

    @abstractmethod
    def _open_encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError."""

    # Resolving specs

    def content_digests(self, resolved: ResolvedSpec) -> Sequence[str]:
        """Content names of all that decides the counts of an evaluation, with the rules of its merge."""
        own = self.own_tasks(resolved.suite)
        tasks = self.tasks_with_images(resolved.suite, resolved.split)
        built_in = tasks[: len(tasks) - len(own)]
        rules = raised_versions(
            [resolved.residual.method] if isinstance(resolved.residual, MergeSpec) else []
        )
        return [*self._content_digests(resolved, built_in), *(one.identity for one in own), *rules]

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
        scales = self._scales(spec)
        edited = any((*scales.blocks, scales.before, scales.after))
        available = self.max_images(suite, spec.split, spec.targets if spec.merge else ())
        images = min(spec.images, available) if spec.images else available
        residual: ResidualSpec = (spec.merge or spec.checkpoint) if edited else ""
        return ResolvedSpec(self.info.key, residual, scales, suite, spec.split, images)

    def _scales(self, spec: EditSpec) -> Scales:
        """Factors for the segments of this model. Raises: SpecError as ``resolve``."""
        if spec.part:
            raise SpecError(
                f"{self.info.title} has no encoder and decoder: leave part out, got {spec.part!r}."
            )
        return spec.scales(self.info.num_blocks)

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

    def predict(self, batches: TaskBatches, chunk: Chunk, heads: Sequence[ClassifierHead]) -> list[Tensor]:
        """Predicted class of each example of each part of a chunk, with the weights as they are.

        Lock: the caller holds the encoder. Raises: as ``LiveEncoder.encode``.
        """
        assert isinstance(batches, ImageBatches)
        features = self.encoder.encode(batches.normalised(chunk)).float()
        return predicted_classes(features, chunk, heads)

    # Loaded on first use

    @property
    def encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError if its files do not fit together. Cost: seconds, once."""
        with self._loading:
            if self._encoder is None:
                self._encoder = self._open_encoder()
            return self._encoder

    def merging_alpha(self, merge: MergeSpec, check: CancelCheck, patience: float | None) -> MergingAlpha:
        """Eq. 2's alpha of a merge. Args, Raises: as ``LiveEncoder.merging_alpha``."""
        return self.encoder.merging_alpha(merge, check, patience)

    @property
    def failure(self) -> str:
        """How the encoder's device failed; empty while it works, or before the encoder is loaded."""
        return "" if self._encoder is None else self._encoder.problem

    def heads_with_images(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """Heads of the tasks that are evaluated, in the order of `images`."""
        evaluated = self.tasks_with_images(resolved.suite, resolved.split)
        heads = zip(self.tasks(resolved.suite), self.heads_for(resolved), strict=True)
        return tuple(head for task, head in heads if task in evaluated)

    def heads_for(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """Heads of all tasks of a suite: zero-shot, unless the checkpoint was fine-tuned with a head."""
        return tuple(map(ClassifierHead, self.heads(resolved.suite)))


def predicted_classes(features: Tensor, chunk: Chunk, heads: Sequence[ClassifierHead]) -> list[Tensor]:
    """Predicted classes of each part of a chunk, from the images' features (n, D) and the tasks' heads."""
    parts = torch.split(features, [part.stop - part.start for part in chunk.parts])
    return [heads[part.task].predict(own) for part, own in zip(chunk.parts, parts, strict=True)]
