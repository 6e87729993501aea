"""Pre-training of the tiny T5: span corruption of the world's texts, and a few questions of each task."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import T5ForConditionalGeneration

from evaluators.data.text_questions import TextQuestion
from training.language.corruption import corrupt
from training.language.documents import KINDS_OF_TEXT
from training.language.muon import BatchedMuon, hidden_matrices
from training.language.tasks import PRACTICE, draw_questions
from training.language.tiny_t5_model import TextBatch, fresh_t5, loss_of, text_batch
from training.pretraining import resume_state, save_state

Encode = Callable[[str], Sequence[int]]
Pair = tuple[Sequence[int], Sequence[int]]
GROUP = 8
"""Batches that are sorted by length together, so that short texts are not padded to long ones."""


@dataclass(frozen=True)
class TextPretraining:
    """Settings.

    Args:
        steps, batch: so many examples in all.
        rate: of AdamW, for embeddings, norms and position biases.
        matrix_rate: of Muon, for all other weights.
        warm_up: steps of a linear rise.
        constant: share of the steps before a linear fall. There is none: training stops while the model is
            far from as good at the tasks as fine-tuning makes it, as a language model is.
        instructed: share of examples that are questions of the tasks with their answers.
        questions: different ones of each task; few, so that the model is not good at the tasks.
        seed: of the weights; the texts have seed + 1.
    """

    steps: int = 1409
    batch: int = 64
    rate: float = 3e-3
    matrix_rate: float = 0.004
    warm_up: int = 50
    constant: float = 1.0
    instructed: float = 0.4
    questions: int = 1000
    seed: int = 0

    def share_at(self, step: int) -> float:
        """Share of both rates, which falls to a fiftieth."""
        falling = self.steps - step, (1 - self.constant) * self.steps
        end = 1.0 if falling[0] >= falling[1] else max(0.02, falling[0] / falling[1])
        return min(1.0, (step + 1) / self.warm_up) * end


class TextTrainer:
    """A model with its two optimisers.

    Args:
        model: trained in place.
        rate, matrix_rate: as in `TextPretraining`; AdamW trains the matrices as well if theirs is 0.
    """

    def __init__(self, model: T5ForConditionalGeneration, rate: float, matrix_rate: float) -> None:
        self.model = model
        self._rates = rate, matrix_rate
        matrices = hidden_matrices(model) if matrix_rate else {}
        rest = [weight for name, weight in model.named_parameters() if name not in matrices]
        self.adam = torch.optim.AdamW(rest, rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.muon = BatchedMuon(matrices.values(), matrix_rate)

    def state_dict(self) -> dict[str, Any]:
        """State of both optimisers."""
        return {"adam": self.adam.state_dict(), "muon": self.muon.state()}

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Go on from such a state."""
        self.adam.load_state_dict(state_dict["adam"])
        self.muon.load(state_dict["muon"])

    def step(self, batch: TextBatch, share: float) -> float:
        """One step with a share of the rates; the loss before it."""
        self.adam.param_groups[0]["lr"] = share * self._rates[0]
        self.muon.rate = share * self._rates[1]
        loss = loss_of(self.model, batch)
        torch.autograd.backward(loss)
        self.adam.step()
        self.muon.step()
        self.adam.zero_grad()
        return loss.item()


def text_examples(config: TextPretraining, encode: Encode) -> Iterator[Pair]:
    """Inputs and targets without end, the same ones for the same settings."""
    random = Random(config.seed + 1)
    pool: list[TextQuestion] = [
        question
        for task in PRACTICE
        for question in draw_questions(task, "train", config.questions, config.seed)
    ]
    while True:
        if random.random() < config.instructed:
            question = random.choice(pool)
            yield encode(question.text), encode(question.choices[question.answer])
        else:
            given, hidden = corrupt(random.choice(KINDS_OF_TEXT)(random), random)
            yield encode(given), encode(hidden)


def length_sorted(examples: Iterator[Pair], batch: int, seed: int) -> Iterator[TextBatch]:
    """Batches of examples of like length."""
    random = Random(seed)
    while True:
        rows = sorted(itertools.islice(examples, batch * GROUP), key=lambda pair: len(pair[0]))
        batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        random.shuffle(batches)
        yield from map(text_batch, batches)


def pretrain_text(
    config: TextPretraining, encode: Encode, words: int, checkpoint: Path, save_every: float = 60.0
) -> Iterator[str]:
    """Train up to ``config.steps``, from ``checkpoint`` if it exists; yields a line every 100 steps.

    The checkpoint (weights, optimisers, step, seconds) is replaced at most every ``save_every`` seconds.
    """
    trainer = TextTrainer(fresh_t5(words, config.seed), config.rate, config.matrix_rate)
    first, seconds = resume_state(checkpoint, trainer.model, trainer)
    batches = length_sorted(text_examples(config, encode), config.batch, config.seed)
    began, saved = time.perf_counter() - seconds, time.perf_counter()
    for step in range(first, config.steps):
        batch = next(itertools.islice(batches, first if step == first else 0, None))
        loss = trainer.step(batch, config.share_at(step))
        done = step + 1
        if done % 100 == 0:
            yield f"step {done} of {config.steps}: loss {loss:.3f}, {time.perf_counter() - began:.0f} s"
        if done == config.steps or time.perf_counter() - saved > save_every:
            saved = time.perf_counter()
            save_state(checkpoint, trainer.model, trainer, done, saved - began)
