"""Pre-training of an image tower alone, to a frozen text tower and a teacher's features; resumable."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor

from training.convnext_model import fresh_convnext
from training.pretraining import PretrainingConfig, contrastive_loss, optimiser_of, resume_state, save_state
from training.tiny_clip_model import to_input
from training.web import Web


@dataclass(frozen=True)
class TowerConfig(PretrainingConfig):
    """As ``PretrainingConfig``, of which the text tower stays as it is.

    Args:
        teaching: weight of ``1 - cos(image feature, feature of the other CLIP's image tower)``.
        small: first share of the steps, at ``small_pixels``.
        small_pixels: side of the images of those steps, which cost less.
    """

    steps: int = 3_000
    batch: int = 128
    rate: float = 2e-3
    warmup: int = 100
    teaching: float = 10.0
    small: float = 0.5
    small_pixels: int = 32

    def sized(self, inputs: Tensor, step: int) -> Tensor:
        """Images (N, 3, H, W) of a step at the size that it uses."""
        if step >= self.small * self.steps:
            return inputs
        return F.interpolate(inputs, size=self.small_pixels, mode="bilinear", antialias=True)


def pretrain_tower(
    web: Web, teacher: CLIP, config: TowerConfig, checkpoint: Path, save_every: float = 60.0
) -> Iterator[str]:
    """Train up to ``config.steps``, from ``checkpoint`` if it exists; yields a line every 50 steps.

    The loss is the contrastive one of Tiny CLIP, its text tower and temperature frozen, and ``teaching``.
    The checkpoint (weights, optimiser, step, seconds) is replaced at most every ``save_every`` seconds.
    """
    model = fresh_convnext(teacher, config.seed)
    tower = model.visual
    optimiser = optimiser_of(tower, config)
    first, seconds = resume_state(checkpoint, model, optimiser)
    tower.train()
    scale = teacher.logit_scale.detach().exp()
    began, saved = time.perf_counter() - seconds, time.perf_counter()
    for step in range(first, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.rate_at(step)
        batch = web.batch(step, config.batch, config.seed, config.families)
        inputs = to_input(batch.pixels)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            texts = teacher.encode_text(batch.tokens, normalize=True).float()
            taught = teacher.encode_image(inputs, normalize=True).float()
        small = config.sized(inputs, step).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = tower(small)
        images = F.normalize(features.float(), dim=-1)
        apart = 1 - (images * taught).sum(dim=1).mean()
        contrast = contrastive_loss(images, texts, batch.same, batch.unclear, scale)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(contrast + config.teaching * apart)
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimiser.step()
        done = step + 1
        if done % 50 == 0:
            speed = (done - first) * config.batch / (time.perf_counter() - began - seconds)
            losses = f"contrastive {contrast.item():.3f}, apart {apart.item():.3f}"
            yield f"step {done} of {config.steps}: {losses}, {speed:.0f} images a second"
        if done == config.steps or time.perf_counter() - saved > save_every:
            saved = time.perf_counter()
            save_state(checkpoint, model, optimiser, done, saved - began)
