"""A lab of the Hub: a public CLIP, the tasks and checkpoints that were loaded for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.hub.checkpoints import LoadedCheckpoint
from evaluators.hub.encoder import HubEncoder
from evaluators.hub.pictures.subsets import HubSubset
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo
from evaluators.live import LiveEncoder
from evaluators.measurement import Measurement
from evaluators.subsets import Subset
from evaluators.tasks import Task


@dataclass(frozen=True)
class LoadedTask:
    """A task whose pictures and head are there.

    Args:
        head: (D, classes), float32.
        subsets: by split; "val" is absent where every picture is taken for test.
    """

    task: Task
    head: Tensor
    subsets: dict[str, HubSubset]


class HubLab(Lab):
    """What was loaded for one encoder. Tasks are fixed; more of them make another lab over the same encoder.

    Args:
        live: the encoder, which several labs in succession may share.
        tasks: in the order of every ``Evaluation``.
        checkpoints: of these tasks.
    """

    def __init__(
        self, live: HubEncoder, tasks: Sequence[LoadedTask], checkpoints: Sequence[LoadedCheckpoint]
    ) -> None:
        row = live.row
        info = ModelInfo(row.key, row.title, row.num_blocks, row.tower_parameters, row.image_size)
        super().__init__(info, live.device, live.pace.chunk)
        self.live = live
        self.loaded_tasks = tuple(tasks)
        self.loaded_checkpoints = tuple(checkpoints)
        self._by_task = {loaded.task.key: loaded for loaded in tasks}
        for checkpoint in checkpoints:
            live.residual_paths[checkpoint.info.key] = checkpoint.residual

    @property
    def dtype(self) -> torch.dtype:
        """What the image tower runs in."""
        return self.live.pace.dtype

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints, in the order of their tasks."""
        return tuple(checkpoint.info for checkpoint in self.loaded_checkpoints)

    def tasks(self, suite: str) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""
        return tuple(loaded.task for loaded in self.loaded_tasks if loaded.task.suite == suite)

    def count(self, task: Task, split: str) -> int:
        """Pictures of a task in a split, 0 if there are none."""
        subset = self._by_task[task.key].subsets.get(split)
        return 0 if subset is None else len(subset.subset)

    def evidence(self, measurement: Measurement) -> Sequence[str]:
        """Content names of the weights, the checkpoint and the pictures, and how many run at a time.

        In bfloat16 the company a picture is encoded in can change the last digit of its feature.
        """
        named = [self.live.identity, f"chunk {self.chunk}"]
        named += [one.identity for one in self.loaded_checkpoints if one.info.key == measurement.checkpoint]
        for task in self.tasks(measurement.suite):
            named.append(self._by_task[task.key].subsets[measurement.split].digest)
        return named

    def with_checkpoint(self, checkpoint: LoadedCheckpoint) -> "HubLab":
        """This lab with one checkpoint more, or another in place of the one with its key."""
        others = [one for one in self.loaded_checkpoints if one.info.key != checkpoint.info.key]
        return HubLab(self.live, self.loaded_tasks, [*others, checkpoint])

    def _open_encoder(self) -> LiveEncoder:
        return self.live

    def _subset(self, task: Task, split: str) -> Subset:
        return self._by_task[task.key].subsets[split].subset

    def _head(self, task: Task) -> Tensor:
        return self._by_task[task.key].head.to(self.device)

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        return self.live.row.mean, self.live.row.std
