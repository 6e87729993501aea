"""Questions of several tasks as token ids, in chunks that hold equally many of each task."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evaluators.data.image_batches import TaskBatches, TaskSlice
from evaluators.data.text_questions import TextQuestion

Encode = Callable[[str], Sequence[int]]
"""From a text to the ids of its tokens, with the mark that ends it."""
LEFT_OUT = -100
"""Where there is no target token, as PyTorch's cross entropy has it."""


class QuestionTokens(NamedTuple):
    """Some questions as a model reads them.

    Attributes:
        inputs: ids of the texts, int64 (n, length), padded.
        mask: 1 where there is a token, (n, length).
        targets: ids of the choices, (m, longest), padded with LEFT_OUT.
        owner: question of each choice, (m,), ascending.
        position: place of each choice among those of its question, (m,).
    """

    inputs: Tensor
    mask: Tensor
    targets: Tensor
    owner: Tensor
    position: Tensor


class QuestionBatches(TaskBatches):
    """Questions of k tasks.

    Args:
        questions: of each task.
        encode: the tokenizer.
        padding: id that fills short texts up.
        device: where the tokens go.
        chunk: questions a chunk over all tasks.
    """

    def __init__(
        self,
        questions: Sequence[Sequence[TextQuestion]],
        encode: Encode,
        padding: int,
        device: torch.device,
        chunk: int,
    ) -> None:
        answers = [torch.tensor([one.answer for one in task], device=device) for task in questions]
        super().__init__(answers, chunk)
        self.questions = tuple(map(tuple, questions))
        self._encode = encode
        self._padding = padding
        self._device = device

    def tokens(self, part: TaskSlice) -> QuestionTokens:
        """The questions of a part of a chunk: of one task, so that they are of like length."""
        asked = self.questions[part.task][part.start : part.stop]
        return question_tokens(asked, self._encode, self._padding, self._device)


def question_tokens(
    questions: Sequence[TextQuestion], encode: Encode, padding: int, device: torch.device
) -> QuestionTokens:
    """Questions as token ids. Cost: 20 µs a text."""
    texts = [encode(question.text) for question in questions]
    choices = [encode(choice) for question in questions for choice in question.choices]
    owner = [index for index, question in enumerate(questions) for _ in question.choices]
    position = [place for question in questions for place in range(len(question.choices))]
    inputs = padded_rows(texts, padding)
    mask = padded_rows([[1] * len(text) for text in texts], 0)
    moved = [inputs, mask, padded_rows(choices, LEFT_OUT), torch.tensor(owner), torch.tensor(position)]
    return QuestionTokens(*(tensor.to(device) for tensor in moved))


def padded_rows(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of different lengths as one int64 matrix."""
    length = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])
