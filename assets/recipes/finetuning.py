"""Fine-tuning the image tower on one task with its zero-shot head frozen, as the paper's checkpoints were."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip import build_zero_shot_classifier
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from assets.recipes.tiny_clip import to_input
from assets.recipes.world.picture import Family


@dataclass(frozen=True)
class Finetuning:
    """Recipe of a fine-tuning: AdamW with warm-up and cosine decay, cross-entropy on the zero-shot logits.

    Args:
        steps: optimiser steps.
        batch: pictures a step.
        rate: highest learning rate.
        warmup: steps from zero to the highest rate.
        weight_decay: AdamW's, on matrices only.
        pictures: distinct training pictures drawn.
        seed: of the order of pictures.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 8e-4
    warmup: int = 25
    weight_decay: float = 0.1
    pictures: int = 3_500
    seed: int = 1

    def rate_at(self, step: int) -> float:
        """Learning rate of a step counted from 0."""
        progress = max(0.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.rate * min((step + 1) / self.warmup, 0.5 * (1 + math.cos(math.pi * progress)))


def zero_shot_head(model: CLIP, tokenizer: SimpleTokenizer, family: Family) -> Tensor:
    """Unit-norm class vectors from the family's prompts, (D, classes)."""
    names = [concept.name for concept in family.concepts]
    head: Tensor = build_zero_shot_classifier(model, tokenizer, names, [t.format for t in family.prompts])
    return head


def finetune(model: CLIP, head: Tensor, pixels: Tensor, labels: Tensor, recipe: Finetuning) -> Iterator[str]:
    """Train ``model.visual`` in place; yields a line every 100 steps. ``model`` is left in evaluation mode.

    Args:
        head: (D, classes), frozen.
        pixels: uint8 (N, 48, 48, 3).
        labels: (N,).
    """
    tower = model.visual
    matrices = [p for p in tower.parameters() if p.ndim >= 2]
    others = [p for p in tower.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate, fused=True)
    logit_scale = model.logit_scale.detach().exp()
    generator = torch.Generator().manual_seed(recipe.seed)
    tower.train()
    began = time.perf_counter()
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        rows = torch.randint(len(pixels), (recipe.batch,), generator=generator)
        logits = logit_scale * F.normalize(tower(to_input(pixels[rows])), dim=-1) @ head
        loss = F.cross_entropy(logits, labels[rows])
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            seconds = time.perf_counter() - began
            yield f"step {step + 1} of {recipe.steps}: loss {loss.item():.4f}, {seconds:.0f} s"
    model.eval()
