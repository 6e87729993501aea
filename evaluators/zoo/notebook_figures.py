"""Figures of the authors' notebook: a checkpoint of theirs on eight test sets, before and after LiNeS.

Source: wang-kee/LiNeS 43a7bdd, LiNeS_example.ipynb, outputs stored in it: ViT-B/32 fine-tuned on EuroSAT,
alpha 0.1, beta 0.9, what lies in no block scaled by alpha, whole test sets of the authors' own splits.
"""

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.zoo.public_tasks import BENCHMARKS

MODEL, FAMILY, TASK, GAMMA = "ViT-B-32", "tall-masks", "eurosat", 0.1
"""What the notebook loads and sets."""

OTHER_SETS: Mapping[str, int] = MappingProxyType({"eurosat": 2387, "dtd": 1880, "resisc45": 6300})
"""Tasks whose test images are others than ours, or whose class names are: number of the authors' images."""

_PERCENT = {
    "zero-shot": (46.50, 43.99, 63.16, 48.26, 60.67, 32.60, 59.73, 31.63),
    "fine-tuned": (99.87, 37.50, 52.60, 37.35, 31.02, 25.60, 46.65, 18.50),
    "LiNeS": (98.70, 43.83, 61.98, 55.52, 46.51, 34.32, 58.04, 33.91),
}
NOTEBOOK: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        (model, task): round(percent / 100, 6)
        for model, row in _PERCENT.items()
        for task, percent in zip(BENCHMARKS[8], row, strict=True)
    }
)
"""(model, task) -> top-1 accuracy in [0, 1]."""
