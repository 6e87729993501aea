"""Contrastive pre-training of Tiny CLIP on synthetic captioned images; resumable."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lines_core.atomic_write import atomic_write
from training.tiny_clip_model import fresh_model, to_input
from training.web import Web

LEFT_OUT = -1e4
"""Logit of a pair that is left out: far below any other, and finite, since 0 * inf is not a number."""


@dataclass(frozen=True)
class PretrainingConfig:
    """Pre-training by AdamW: warm-up, constant rate, then linear decay over the last part.

    Args:
        steps: optimiser steps in all.
        batch: images a step.
        rate: learning rate of the constant part.
        warmup: steps from zero to the full rate.
        families: the images of a batch come from so many, so that they are hard to tell apart.
        decay: last fraction of the steps, over which the rate falls to zero.
        weight_decay: AdamW's, on matrices only.
        seed: of the initial weights and of the order of images.
    """

    steps: int = 11_000
    batch: int = 192
    rate: float = 1e-3
    warmup: int = 300
    families: int = 3
    decay: float = 0.25
    weight_decay: float = 0.1
    seed: int = 1

    def rate_at(self, step: int) -> float:
        """Learning rate of a step counted from 0."""
        falling = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warmup, falling)


def contrastive_loss(
    images: Tensor, texts: Tensor, same: Tensor, unclear: Tensor, logit_scale: Tensor
) -> Tensor:
    """CLIP's symmetric cross-entropy, where captions with the same meaning share the target evenly.

    Args:
        images, texts: unit-norm features (N, D).
        same: bool (N, N), captions i and j say the same.
        unclear: bool (N, N), pairs of image i and caption j that are left out.
        logit_scale: the factor on the cosines.
    """
    logits = (logit_scale * images @ texts.T).masked_fill(unclear, LEFT_OUT)
    target = same.float() / same.sum(dim=1, keepdim=True)
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def optimiser_of(model: nn.Module, config: PretrainingConfig) -> torch.optim.AdamW:
    """AdamW over all parameters, its weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


class OptimiserState(Protocol):
    """What steps a model, and can be saved between two steps."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Go on from such a state."""


def save_state(path: Path, model: nn.Module, optimiser: OptimiserState, step: int, seconds: float) -> None:
    """Replace the checkpoint of a training run that has done ``step`` steps in ``seconds``."""
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    atomic_write(path, lambda part: torch.save(state, part))


def resume_state(path: Path, model: nn.Module, optimiser: OptimiserState) -> tuple[int, float]:
    """Load the checkpoint that ``save_state`` wrote, if there is one; the steps done and their seconds."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["seconds"])


def pretrain(
    web: Web, config: PretrainingConfig, checkpoint: Path, save_every: float = 60.0
) -> Iterator[str]:
    """Train up to ``config.steps``, from ``checkpoint`` if it exists; yields a line every 50 steps.

    The checkpoint (weights, optimiser, step, seconds) is replaced at most every ``save_every`` seconds.
    """
    model = fresh_model(config.seed)
    optimiser = optimiser_of(model, config)
    first, seconds = resume_state(checkpoint, model, optimiser)
    model.train()
    began, saved = time.perf_counter() - seconds, time.perf_counter()
    for step in range(first, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.rate_at(step)
        batch = web.batch(step, config.batch, config.seed, config.families)
        images = model.encode_image(to_input(batch.pixels), normalize=True)
        texts = model.encode_text(batch.tokens, normalize=True)
        loss = contrastive_loss(images, texts, batch.same, batch.unclear, model.logit_scale.exp())
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0.0, math.log(100.0))
        done = step + 1
        if done % 50 == 0:
            speed = (done - first) * config.batch / (time.perf_counter() - began - seconds)
            yield f"step {done} of {config.steps}: loss {loss.item():.3f}, {speed:.0f} images a second"
        if done == config.steps or time.perf_counter() - saved > save_every:
            saved = time.perf_counter()
            save_state(checkpoint, model, optimiser, done, saved - began)
