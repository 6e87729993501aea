"""Lab of a public CLIP from the Hub, with the tasks and checkpoints loaded for it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.image_subset import Subset
from evaluators.data.task_list import Task
from evaluators.encoder.classifier_heads import ClassifierHead, edited_head
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.hub.hub_encoder import HubEncoder, TextTower
from evaluators.hub.images.hub_subset import HubSubset
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec, ResolvedSpec, checkpoints_of
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import IMAGENET
from lines_core.merging import merge

HEADS_KEPT = 64


def model_info(row: Encoder) -> ModelInfo:
    """What a lab says of an encoder of the zoo."""
    return ModelInfo(row.key, row.title, row.num_blocks, row.tower_parameters, row.image_size)


@dataclass(frozen=True)
class LoadedTask:
    """A task with its images and head.

    Args:
        head: (D, classes), float32.
        subsets: by split; no "val" if every image is used for test.
        imagenet: positions of its classes among ImageNet's; None for any other task.
    """

    task: Task
    head: Tensor
    subsets: dict[str, HubSubset]
    imagenet: tuple[int, ...] | None = None


class HubLab(Lab):
    """An encoder with fixed tasks and checkpoints; loading more makes another lab over the same encoder.

    Args:
        live: the encoder, which successive labs may share.
        tasks: in the order of every ``Evaluation``.
        checkpoints: of these tasks.
        imagenet: zero-shot head of all of ImageNet's classes, (D, 1000), if the tasks are of its suite.
    """

    def __init__(
        self,
        live: HubEncoder,
        tasks: Sequence[LoadedTask],
        checkpoints: Sequence[LoadedCheckpoint],
        imagenet: Tensor | None = None,
    ) -> None:
        super().__init__(model_info(live.row), live.device, live.engine_config.chunk)
        self.live = live
        self.loaded_tasks = tuple(tasks)
        self.loaded_checkpoints = tuple(checkpoints)
        self.imagenet = imagenet
        self._by_task = {loaded.task.key: loaded for loaded in tasks}
        self._own_heads: dict[ResidualSpec, ClassifierHead | None] = {}
        for checkpoint in checkpoints:
            live.residual_paths[checkpoint.info.key] = checkpoint.residual

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the image tower."""
        return self.live.engine_config.dtype

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints, in the order of their tasks."""
        return tuple(checkpoint.info for checkpoint in self.loaded_checkpoints)

    def _built_in_tasks(self, suite: str) -> tuple[Task, ...]:
        return tuple(loaded.task for loaded in self.loaded_tasks if loaded.task.suite == suite)

    def _count(self, task: Task, split: str) -> int:
        subset = self._by_task[task.key].subsets.get(split)
        return 0 if subset is None else len(subset.subset)

    def _content_digests(self, resolved: ResolvedSpec, tasks: Sequence[Task]) -> Sequence[str]:
        """Content names of the weights, the checkpoint and the images, and the chunk size.

        In bfloat16 the batch that an image is encoded in can change the last digit of its feature.
        """
        named = [self.live.identity, f"chunk {self.chunk}"]
        keys = checkpoints_of(resolved.residual)
        named += [loaded.identity for loaded in self.loaded_checkpoints if loaded.info.key in keys]
        return [*named, *(self._by_task[task.key].subsets[resolved.split].digest for task in tasks)]

    def heads_for(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """The classifiers of an evaluation's tasks.

        A checkpoint's own head of ImageNet's classes is edited along with the encoder (`edited_head`, with
        the factor of the parameters after the last block), and each task of the suite uses the columns of its
        classes. All others, and the pre-trained model, have zero-shot heads.
        """
        own = self._own_head(resolved.residual) if resolved.suite == IMAGENET else None
        if own is None or self.imagenet is None:
            return super().heads_for(resolved)
        zero_shot = self.imagenet.to(self.device)
        head = edited_head(zero_shot, self.live.temperature, own, resolved.scales.after)
        return tuple(
            head.select_classes(self._by_task[task.key].imagenet or ())
            if task.key in self._by_task
            else other
            for task, other in zip(self.tasks(resolved.suite), super().heads_for(resolved), strict=True)
        )

    @property
    def weights(self) -> Path:
        """File of the whole pre-trained CLIP."""
        return self.live.weights

    @property
    def weights_identity(self) -> str:
        """Content name of that file."""
        return self.live.identity

    def _built_in_targets(self) -> tuple[Task, ...]:
        """All loaded tasks."""
        return tuple(loaded.task for loaded in self.loaded_tasks)

    def own_checkpoints(self) -> tuple[LoadedCheckpoint, ...]:
        """The checkpoints of no family."""
        return tuple(one for one in self.loaded_checkpoints if not one.family)

    def _extended(self, added: Sequence[LoadedCheckpoint]) -> "HubLab":
        view = copy.copy(self)
        view.loaded_checkpoints = (*self.loaded_checkpoints, *added)
        return view

    def extended_by(self, earlier: "HubLab") -> "HubLab":
        """This lab with the tasks and checkpoints of an earlier one that it lacks.

        Nothing is taken from a lab of another encoder or other weights.
        """
        if earlier.live is not self.live:
            return self
        tasks = [loaded for loaded in earlier.loaded_tasks if loaded.task.key not in self._by_task]
        keys = {info.key for info in self.checkpoints()}
        checkpoints = [loaded for loaded in earlier.loaded_checkpoints if loaded.info.key not in keys]
        return HubLab(
            self.live,
            [*self.loaded_tasks, *tasks],
            [*self.loaded_checkpoints, *checkpoints],
            earlier.imagenet if self.imagenet is None else self.imagenet,
        )

    def _own_head(self, residual: ResidualSpec) -> ClassifierHead | None:
        """The head of a residual's checkpoints, on the device; None if they have none."""
        with self._loading:
            if residual not in self._own_heads:
                by_key = {checkpoint.info.key: checkpoint.head for checkpoint in self.loaded_checkpoints}
                heads = [by_key.get(key) for key in checkpoints_of(residual)]
                if isinstance(residual, MergeSpec):
                    own = self._merged_head(residual, heads)
                else:
                    own = heads[0] if heads else None
                if own is not None:
                    own = ClassifierHead(own.weight.to(self.device), _bias(own).to(self.device))
                while len(self._own_heads) >= HEADS_KEPT:
                    self._own_heads.pop(next(iter(self._own_heads)))
                self._own_heads[residual] = own
            return self._own_heads[residual]

    def _merged_head(
        self, merge_spec: MergeSpec, heads: Sequence[ClassifierHead | None]
    ) -> ClassifierHead | None:
        """s W_0 + the residuals of the heads, merged by the method that merges the encoders' residuals.

        A checkpoint without a head was fine-tuned with the zero-shot head: its residual is 0.
        """
        if self.imagenet is None or not any(heads):
            return None
        start = self.live.temperature * self.imagenet
        every = [head or ClassifierHead(start) for head in heads]
        residuals = [
            torch.cat([(head.weight - start).flatten(), _bias(head)]) * factor
            for head, factor in zip(every, merge_spec.factors, strict=True)
        ]
        target = merge_spec.task
        task = merge_spec.checkpoints.index(target) if target else None
        settings, shapes = dict(merge_spec.settings), (start.shape, _bias(every[0]).shape)
        merged = merge(merge_spec.method, residuals, settings, task=task, shapes=shapes)
        return ClassifierHead(start + merged[: start.numel()].view_as(start), merged[start.numel() :])

    def _open_encoder(self) -> LiveEncoder:
        return self.live

    def _subset(self, task: Task, split: str) -> Subset:
        return self._by_task[task.key].subsets[split].subset

    def _head(self, task: Task) -> Tensor:
        return self._by_task[task.key].head.to(self.device)

    def new_head(self, classes: Sequence[str], prompts: Sequence[str]) -> Tensor:
        """Zero-shot head of class names. Cost: the text tower is read for it, and freed again."""
        return TextTower(self.live.row, self.live.weights, self.device).head(classes, prompts)

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        return self.live.row.mean, self.live.row.std


def _bias(head: ClassifierHead) -> Tensor:
    return torch.zeros(head.weight.shape[1]) if head.bias is None else head.bias
