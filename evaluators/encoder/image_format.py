"""Order of an image batch in memory."""

import torch
from torch import nn


def fastest_format(tower: nn.Module, device: torch.device) -> torch.memory_format:
    """How a tower reads images fastest: on a CPU a ConvNeXt of timm takes a third less, channels last."""
    convolutional = isinstance(getattr(getattr(tower, "trunk", None), "stages", None), nn.Module)
    return torch.channels_last if convolutional and device.type == "cpu" else torch.contiguous_format
