"""Fine-tuning of the tiny T5 on one task, all weights, from the pre-trained ones."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from transformers import T5ForConditionalGeneration

from training.language.tasks import TextTask, draw_questions
from training.language.text_pretraining import Encode, Pair, TextTrainer, length_sorted


@dataclass(frozen=True)
class TextFinetuning:
    """Settings; by default after these the weights are 3 % from where they were.

    Args:
        steps, batch: so many examples in all.
        questions: different ones of the task.
        rate, matrix_rate: as in `TextTrainer`, after ``warm_up`` steps of a linear rise; they fall linearly
            to nothing.
        seed: of the order of the questions; the questions have the same.
    """

    steps: int = 300
    batch: int = 32
    questions: int = 10_000
    rate: float = 5e-4
    matrix_rate: float = 0.0
    warm_up: int = 10
    seed: int = 1

    def share_at(self, step: int) -> float:
        """Share of both rates at a step, counted from 0."""
        return min(1.0, (step + 1) / self.warm_up) * (1.0 - step / self.steps)


GENTLE = TextFinetuning()
STRONG = TextFinetuning(steps=250, batch=64, rate=1e-3, matrix_rate=0.004, warm_up=1)
"""Few large steps: Muon's are as large where the loss is nothing as elsewhere; the weights move by 14 %."""


def finetune_text(
    model: T5ForConditionalGeneration, task: TextTask, encode: Encode, config: TextFinetuning
) -> Iterator[str]:
    """Train in place; yields a line every 50 steps. Cost: 0.06 s a step on one core."""
    trainer = TextTrainer(model, config.rate, config.matrix_rate)
    batches = length_sorted(_answered(task, encode, config), config.batch, config.seed)
    began = time.perf_counter()
    model.train()
    for step in range(config.steps):
        loss = trainer.step(next(batches), config.share_at(step))
        if (step + 1) % 50 == 0:
            yield f"step {step + 1} of {config.steps}: loss {loss:.3f}, {time.perf_counter() - began:.0f} s"
    model.eval()  # type: ignore[no-untyped-call]


def _answered(task: TextTask, encode: Encode, config: TextFinetuning) -> Iterator[Pair]:
    random = Random(config.seed)
    pool = draw_questions(task, "train", config.questions, config.seed)
    while True:
        question = random.choice(pool)
        yield encode(question.text), encode(question.choices[question.answer])
