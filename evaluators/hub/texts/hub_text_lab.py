"""Lab of a public T5 from the Hub, with the questions and checkpoints loaded for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from evaluators.data.task_list import LANGUAGE, Task
from evaluators.data.text_questions import TextQuestion
from evaluators.encoder.live_t5 import LiveT5
from evaluators.hub.texts.glue_questions import GlueQuestions
from evaluators.hub.texts.hub_t5 import HubT5
from evaluators.labs.lab import CheckpointInfo, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.text_lab import TextLab
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of
from evaluators.zoo.public_texts import GlueTask


def as_language_task(row: GlueTask) -> Task:
    """A task of GLUE with its answers as classes."""
    return Task(row.key, row.title, LANGUAGE, row.words, ("{} answer",), mirrors=f"GLUE {row.title}")


@dataclass(frozen=True)
class LoadedQuestions:
    """A task with its questions by split."""

    task: Task
    splits: Mapping[str, GlueQuestions]


class HubTextLab(TextLab):
    """A T5 with fixed tasks and checkpoints; loading more makes another lab over the same model.

    Args:
        live: the model, which successive labs may share.
        tasks: in the order of every ``Evaluation``.
        checkpoints: of these tasks.
        alphas: Eq. 2's alpha of the merge of all checkpoints by method.
    """

    def __init__(
        self,
        live: HubT5,
        tasks: Sequence[LoadedQuestions],
        checkpoints: Sequence[LoadedCheckpoint],
        alphas: Mapping[str, float],
    ) -> None:
        row, serial = live.row, live.serial
        info = ModelInfo(row.key, row.title, serial.decoder, serial.flat.numel, image_size=0)
        super().__init__(info, serial, live.device, max(live.chunk, len(tasks)))
        self.live = live
        self.loaded_checkpoints = tuple(checkpoints)
        self.loaded = tuple(tasks)
        self._by_task = {one.task.key: one for one in tasks}
        self._alphas = alphas
        for checkpoint in checkpoints:
            live.residual_paths[checkpoint.info.key] = checkpoint.residual

    @property
    def dtype(self) -> torch.dtype:
        """Of the model, the faster one on this device."""
        return self.live.dtype

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints, in the order of their tasks."""
        return tuple(checkpoint.info for checkpoint in self.loaded_checkpoints)

    def alphas(self) -> Mapping[str, float]:
        """As ``TextLab.alphas``, computed when the checkpoints were loaded."""
        return self._alphas

    def questions(self, task: Task, split: str) -> tuple[TextQuestion, ...]:
        """As ``TextLab.questions``."""
        return self._by_task[task.key].splits[split].questions

    @property
    def weights(self) -> Path:
        """File of the pre-trained weights."""
        return self.live.files.weights

    @property
    def weights_identity(self) -> str:
        """Content name of that file."""
        return self.live.identity

    def _content_digests(self, resolved: ResolvedSpec, tasks: Sequence[Task]) -> Sequence[str]:
        """Content names; in bfloat16 the batch that a question is read in can change the last digit."""
        keys = checkpoints_of(resolved.residual)
        named = [one.identity for one in self.loaded_checkpoints if one.info.key in keys]
        asked = [self._by_task[task.key].splits[resolved.split].digest for task in tasks]
        return [self.live.identity, f"chunk {self.chunk}", *named, *asked]

    def _open_encoder(self) -> LiveT5:
        return self.live

    def _built_in_tasks(self, suite: str) -> tuple[Task, ...]:
        return tuple(one.task for one in self.loaded if one.task.suite == suite)

    def _built_in_targets(self) -> tuple[Task, ...]:
        return self._built_in_tasks(LANGUAGE)
