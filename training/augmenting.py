"""Data augmentation and mixup, which vary between the members of a soup."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms import v2

AUGMENTATIONS: Mapping[str, Callable[[int], v2.Transform]] = {
    "none": lambda size: v2.Identity(),
    "light": lambda size: v2.Compose(
        [v2.RandomResizedCrop(size, scale=(0.7, 1.0), antialias=True), v2.RandomHorizontalFlip()]
    ),
    "strong": lambda size: v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.4, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandAugment(num_ops=2, magnitude=9),
        ]
    ),
}
"""By name: a transform of one uint8 image (3, size, size). They draw from torch's global generator."""


def augmented(pixels: Tensor, augment: str) -> Tensor:
    """uint8 images (N, 48, 48, 3), each transformed on its own, as (N, 3, 48, 48)."""
    images = pixels.permute(0, 3, 1, 2)
    if augment == "none":
        return images
    transform = AUGMENTATIONS[augment](images.shape[-1])
    return torch.stack([transform(image) for image in images])


def mixed(inputs: Tensor, labels: Tensor, classes: int, mixup: float) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., 2018): inputs and one-hot labels, blended in pairs by a Beta-distributed share."""
    targets = F.one_hot(labels, classes).float()
    if mixup == 0:
        return inputs, targets
    share = torch.distributions.Beta(mixup, mixup).sample()
    partners = torch.randperm(len(inputs))
    return (
        share * inputs + (1 - share) * inputs[partners],
        share * targets + (1 - share) * targets[partners],
    )
