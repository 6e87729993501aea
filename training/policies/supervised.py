"""Supervised fine-tuning of a tiny Llama on demonstrations, from random weights; resumable."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from evaluators.policies.scene_words import END, PAD, SUMMARY, TOKENS, WORDS
from training.policies.demonstrations import copied, demonstration
from training.pretraining import resume_state, save_state

CONFIG: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "initializer_range": 0.08,
    "bos_token_id": None,
    "eos_token_id": TOKENS[END],
    "pad_token_id": TOKENS[PAD],
}


@dataclass(frozen=True)
class SupervisedConfig:
    """AdamW with warm-up and linear decay, cross-entropy on the words of the summaries.

    Args:
        steps: optimiser steps.
        copying: of these, the first ones, on facts of scenes as they are.
        batch: texts a step, each used once.
        rate: highest learning rate.
        warmup: steps from zero to the highest rate.
        cooldown: steps from there to zero, at the end.
        weight_decay: AdamW's, on matrices only.
        scene_weight: weight of the words of the scenes in the loss, those of the summaries have 1.
        seed: of the first weights.
    """

    steps: int = 400
    copying: int = 200
    batch: int = 16
    rate: float = 3e-3
    warmup: int = 50
    cooldown: int = 200
    weight_decay: float = 0.05
    scene_weight: float = 0.1
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate of a step counted from 0."""
        return self.rate * min((step + 1) / self.warmup, (self.steps - step) / self.cooldown, 1.0)


def fresh_llama(seed: int) -> LlamaForCausalLM:
    """The model with random weights."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**CONFIG))


def batch_of(config: SupervisedConfig, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Demonstrations of a step: tokens, 0 where they are padding, weights in the loss; each (N, T)."""
    rows, weights = [], []
    text = copied if step < config.copying else demonstration
    for number in range(step * config.batch, (step + 1) * config.batch):
        scene, summary = text(number)
        prompt, answer = f"{scene} {SUMMARY}".split(), [*summary.split(), END]
        rows.append(torch.tensor([TOKENS[word] for word in [*prompt, *answer]]))
        weights.append(torch.tensor([config.scene_weight] * len(prompt) + [1.0] * len(answer)))
    tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=TOKENS[PAD])
    return tokens, (tokens != TOKENS[PAD]).long(), torch.nn.utils.rnn.pad_sequence(weights, batch_first=True)


def train_supervised(config: SupervisedConfig, checkpoint: Path) -> Iterator[str]:
    """Train, or go on from the checkpoint, which is written every 100 steps; yields a line each time.

    The checkpoint holds "model", "step" and "seconds" (of one CPU core), besides the optimiser's state.
    """
    model = fresh_llama(config.seed)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors},
    ]
    optimiser = torch.optim.AdamW(groups, lr=config.rate, weight_decay=0.0, betas=(0.9, 0.98), fused=True)
    step, before = resume_state(checkpoint, model, optimiser)
    model.train()
    began = time.process_time()
    while step < config.steps:
        for group in optimiser.param_groups:
            group["lr"] = config.rate_at(step)
        tokens, mask, weights = batch_of(config, step)
        logits = model(input_ids=tokens, attention_mask=mask).logits[:, :-1]
        each = F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
        weights = weights[:, 1:]
        loss = (each * weights).sum() / weights.sum()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 100 == 0 or step == config.steps:
            seconds = before + time.process_time() - began
            answers = (each * (weights == 1)).sum() / (weights == 1).sum()
            save_state(checkpoint, model, optimiser, step, seconds)
            yield f"step {step} of {config.steps}: loss of summaries {answers.item():.3f}, {seconds:.0f} s"
