"""Where along the depth the two policies differ from their start, and which block their reward needs."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evaluators.policies.live_llama import POLICIES, LiveLlama
from evaluators.policies.soup_setting import SoupSetting
from training.policies.measured_points import MeasuredPoints, Prompts

OWN = {"faithful": (1.0, 0), "preferred": (0.0, 1)}
"""w of a policy alone, and the row of its own reward."""


def depth_profile(folder: Path, points: MeasuredPoints, prompts: Prompts) -> dict[str, Any]:
    """What a report shows of a model folder, lists over blocks, shallowest first.

    Returns: "norms", the norm of each policy's update of a block over that of the block's own weights;
        "cosine" of the two updates; "lost", by how much a policy's own mean reward falls when the update of
        this block alone is left out.
    """
    llama = LiveLlama(folder)
    start = _flat(llama, SoupSetting(0.0, 0.0, 0.0))
    updates = {policy: _flat(llama, SoupSetting(w)) - start for policy, (w, _) in OWN.items()}
    blocks = [llama.layout.segment(block + 1) for block in range(llama.num_blocks)]
    first, second = (updates[policy] for policy in POLICIES)
    cosines = [torch.cosine_similarity(first[part], second[part], dim=0) for part in blocks]
    return {
        "norms": {
            policy: [_rounded(update[part].norm() / start[part].norm()) for part in blocks]
            for policy, update in updates.items()
        },
        "cosine": [_rounded(cosine) for cosine in cosines],
        "lost": {policy: _lost(points, prompts, *own, llama.num_blocks) for policy, own in OWN.items()},
    }


def _lost(points: MeasuredPoints, prompts: Prompts, w: float, row: int, num_blocks: int) -> list[float]:
    whole = points.point(SoupSetting(w), prompts)[0][row].mean()
    means = [points.without_block(w, block, prompts)[row].mean() for block in range(num_blocks)]
    return [_rounded(whole - mean) for mean in means]


def _flat(llama: LiveLlama, setting: SoupSetting) -> Tensor:
    llama.write(setting)
    return llama.layout.flatten({name: value.clone() for name, value in llama.model.named_parameters()})


def _rounded(value: Tensor) -> float:
    return round(float(value), 4)
