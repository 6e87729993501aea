"""Fine-tuning the image tower on one task with its zero-shot head frozen, as the paper's checkpoints were."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from open_clip import build_zero_shot_classifier
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn

from lines_core.atomic_write import atomic_write
from training.augmenting import augmented, mixed
from training.tiny_clip_model import to_input
from training.variant_training import add_low_rank, depth_factors, low_rank_updates
from training.world.labelled_image import SyntheticTask


@dataclass(frozen=True)
class FinetuningConfig:
    """Fine-tuning by AdamW with warm-up and cosine decay, cross-entropy on the zero-shot logits.

    Args:
        steps: optimiser steps.
        batch: images a step.
        rate: highest learning rate.
        warmup: steps from zero to the highest rate.
        weight_decay: AdamW's, on matrices only.
        images: distinct training images drawn.
        seed: of the order of images and of everything else that is drawn.
        rates: how the learning rate depends on depth, a key of ``DEPTH_RATES``.
        rank: of LoRA's updates; 0 trains the weights themselves.
        augment: a key of ``AUGMENTATIONS``.
        smoothing: of the labels, share given to all classes alike.
        mixup: both parameters of the Beta distribution of shares; 0 mixes nothing.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 8e-4
    warmup: int = 25
    weight_decay: float = 0.1
    images: int = 3_500
    seed: int = 1
    rates: str = "all"
    rank: int = 0
    augment: str = "none"
    smoothing: float = 0.0
    mixup: float = 0.0

    def rate_at(self, step: int) -> float:
        """Learning rate of a step counted from 0."""
        progress = max(0.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.rate * min((step + 1) / self.warmup, 0.5 * (1 + math.cos(math.pi * progress)))


def class_head(
    model: CLIP, tokenizer: SimpleTokenizer, names: Sequence[str], prompts: Sequence[str]
) -> Tensor:
    """Unit-norm class vectors from prompts, (D, classes)."""
    head: Tensor = build_zero_shot_classifier(model, tokenizer, names, [prompt.format for prompt in prompts])
    return head


def training_head(model: CLIP, tokenizer: SimpleTokenizer, family: SyntheticTask) -> Tensor:
    """The same of a family's concepts."""
    return class_head(model, tokenizer, [concept.name for concept in family.concepts], family.prompts)


def finetune(
    model: CLIP,
    head: Tensor,
    pixels: Tensor,
    labels: Tensor,
    config: FinetuningConfig,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
) -> Iterator[str]:
    """Train ``model.visual`` in place; yields a line every 100 steps. ``model`` is left in evaluation mode.

    Args:
        head: (D, classes), frozen.
        pixels: uint8 (N, 48, 48, 3).
        labels: (N,).
        checkpoint: a file from which a stopped training goes on, replaced every ``save_every`` seconds and
            removed at the end; None keeps nothing.
    """
    tower = model.visual
    torch.manual_seed(config.seed)
    groups = _low_rank_group(tower, config) if config.rank else _groups(tower, config)
    trained = [parameter for group in groups for parameter in group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=config.rate, fused=True)
    logit_scale = model.logit_scale.detach().exp()
    generator = torch.Generator().manual_seed(config.seed)
    first, seconds = 0, 0.0
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        tower.load_state_dict(state["tower"])
        optimiser.load_state_dict(state["optimiser"])
        generator.set_state(state["order"])
        torch.set_rng_state(state["random"])
        first, seconds = int(state["step"]), float(state["seconds"])
    tower.train()
    began, saved = time.perf_counter() - seconds, time.perf_counter()
    for step in range(first, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["factor"] * config.rate_at(step)
        rows = torch.randint(len(pixels), (config.batch,), generator=generator)
        inputs = to_input(augmented(pixels[rows], config.augment))
        inputs, targets = mixed(inputs, labels[rows], head.shape[1], config.mixup)
        logits = logit_scale * F.normalize(tower(inputs), dim=-1) @ head
        loss = F.cross_entropy(logits, targets, label_smoothing=config.smoothing)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        if checkpoint is not None and time.perf_counter() - saved >= save_every:
            saved = time.perf_counter()
            state = {
                "tower": tower.state_dict(),
                "optimiser": optimiser.state_dict(),
                "order": generator.get_state(),
                "random": torch.get_rng_state(),
                "step": step + 1,
                "seconds": saved - began,
            }
            atomic_write(checkpoint, partial(torch.save, state))
        if (step + 1) % 100 == 0:
            seconds = time.perf_counter() - began
            yield f"step {step + 1} of {config.steps}: loss {loss.item():.4f}, {seconds:.0f} s"
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    model.eval()


def _groups(tower: nn.Module, config: FinetuningConfig) -> list[dict[str, Any]]:
    """AdamW's groups by learning-rate factor, matrices apart for their weight decay; nothing frozen."""
    factors = depth_factors(tower, config.rates)
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_(factors[name] > 0)
        if parameter.requires_grad:
            found.setdefault((factors[name], parameter.ndim >= 2), []).append(parameter)
    return [
        {"params": parameters, "factor": factor, "weight_decay": config.weight_decay if matrices else 0.0}
        for (factor, matrices), parameters in found.items()
    ]


def _low_rank_group(tower: nn.Module, config: FinetuningConfig) -> list[dict[str, Any]]:
    add_low_rank(tower, config.rank)
    parameters = [
        parameter for update in low_rank_updates(tower).values() for parameter in update.parameters()
    ]
    return [{"params": parameters, "factor": 1.0, "weight_decay": config.weight_decay}]
