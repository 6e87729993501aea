"""Base class of the labs of text models: a T5 with checkpoints, whose questions are ranked."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, TaskBatches
from evaluators.data.image_subset import Subset
from evaluators.data.question_batches import QuestionBatches, question_tokens
from evaluators.data.task_list import Task
from evaluators.data.text_questions import TextQuestion
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_t5 import LiveT5
from evaluators.errors import LabError, SpecError
from evaluators.labs.lab import Lab, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.specs.edit_spec import EditSpec, Scales
from evaluators.specs.resolved_spec import ResolvedSpec
from lines_core.serial_layout import SerialLayout

TEXT_METHODS = ("sum", "ties", "consensus")
"""Merging methods of the paper's Table 3."""
DEFAULT_PART = "decoder"
"""The part that the paper scales when it merges (section 5.2)."""
NO_IMAGES = "A text model has no images: it is asked questions."


class TextLab(Lab):
    """A T5 with fixed tasks and checkpoints.

    An example is a question with its choices; the predicted class is the place of the most likely choice
    (rank classification).

    Args:
        info: the model.
        serial: its blocks.
        device: that it runs on.
        chunk: questions a chunk over all tasks.
    Attributes:
        words: that it knows; empty where it can read any text.
    """

    always_here = True

    def __init__(self, info: ModelInfo, serial: SerialLayout, device: torch.device, chunk: int) -> None:
        super().__init__(info, device, chunk)
        self.serial = serial
        self.words: frozenset[str] = frozenset()
        self._batches: dict[str, QuestionBatches] = {}

    # What a subclass provides

    @abstractmethod
    def alphas(self) -> Mapping[str, float]:
        """Eq. 2's alpha of the merge of all checkpoints by method. Raises: LabError."""

    @abstractmethod
    def questions(self, task: Task, split: str) -> tuple[TextQuestion, ...]:
        """The questions of a task and split, in the order in which they are counted. Raises: LabError."""

    # Ranking

    @property
    def t5(self) -> LiveT5:
        """The model. Raises, Cost: as ``encoder``."""
        assert isinstance(self.encoder, LiveT5)
        return self.encoder

    def batches(self, suite: str, split: str) -> TaskBatches:
        """The questions of all tasks."""
        with self._loading:
            if split not in self._batches:
                asked = [self.questions(task, split) for task in self.tasks(suite)]
                self._batches[split] = QuestionBatches(
                    asked, self.t5.tokens, self.t5.padding, self.device, self.chunk
                )
            return self._batches[split]

    def predict(self, batches: TaskBatches, chunk: Chunk, heads: Sequence[ClassifierHead]) -> list[Tensor]:
        """As ``Lab.predict``: the place of the most likely choice."""
        assert isinstance(batches, QuestionBatches)
        return [self.t5.rank(batches.tokens(part)).argmax(dim=1) for part in chunk.parts]

    def scores(self, questions: Sequence[TextQuestion]) -> Tensor:
        """Scores (n, C) as ``LiveT5.rank``, with the weights as they are. Lock: the caller has the turn."""
        tokens = question_tokens(questions, self.t5.tokens, self.t5.padding, self.device)
        return self.t5.rank(tokens)

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that the model has never seen, each once."""
        unknown = (word for word in text.split() if self.words and word not in self.words)
        return tuple(dict.fromkeys(unknown))

    def heads_with_images(self, resolved: ResolvedSpec) -> tuple[ClassifierHead, ...]:
        """None: answers are ranked by the model itself."""
        return ()

    def _scales(self, spec: EditSpec) -> Scales:
        """Factors of both towers: what is not bent gets the factor of the last block.

        So it stays fine-tuned where one checkpoint is edited (alpha + beta = 1), as in the paper's Fig. 7,
        and gets a merge's largest factor.
        """
        if spec.outside != "alpha":
            raise SpecError("The rest of a text model is scaled like the last block: leave `outside` out.")
        part = spec.part or DEFAULT_PART
        blocks = spec.scales(self.serial.blocks_of(part)).blocks
        rest = blocks[-1]
        return Scales(self.serial.factors(part, blocks, rest), rest, rest)

    def _count(self, task: Task, split: str) -> int:
        return len(self.questions(task, split))

    # What only image encoders have

    def own_checkpoints(self) -> tuple[LoadedCheckpoint, ...]:
        """None: visitors add checkpoints of image encoders only."""
        return ()

    def _extended(self, added: Sequence[LoadedCheckpoint]) -> "TextLab":
        raise LabError("Checkpoints of a text model cannot be added.")

    def new_head(self, classes: Sequence[str], prompts: Sequence[str]) -> Tensor:
        """Raises: LabError."""
        raise LabError(NO_IMAGES)

    def _head(self, task: Task) -> Tensor:
        raise LabError(NO_IMAGES)

    def _subset(self, task: Task, split: str) -> Subset:
        raise LabError(NO_IMAGES)

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        raise LabError(NO_IMAGES)
