"""Shipped weights: fp16 safetensors, written beside and then renamed."""

from pathlib import Path

import torch
from open_clip.model import CLIP

from lines_core import save_checkpoint


def _half(named: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in named.items()}


def save_pretrained(model: CLIP, folder: Path) -> Path:
    """The whole model as ``open_clip_model.safetensors``, the name open_clip's local loader looks for."""
    path = folder / "open_clip_model.safetensors"
    save_checkpoint(path, _half(dict(model.state_dict())), {"format": "pt"})
    return path


def save_finetuned(model: CLIP, path: Path) -> None:
    """The image tower alone, with open_clip's names (``visual.`` prefix)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tower = {f"visual.{name}": tensor for name, tensor in model.visual.state_dict().items()}
    save_checkpoint(path, _half(tower), {"format": "pt"})
