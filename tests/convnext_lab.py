"""A small ConvNeXt beside the small lab's CLIP: the same tasks, images and text tower, residuals packed."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from evaluators.encoder.open_clip_import import import_open_clip
from lines_core.packed import pack, save_packed
from tests.conftest import CONFIG, MODEL

VISION: dict[str, Any] = {"timm_model_name": "test_convnext", "image_size": 32}
BLOCKS = 9
KEYS = ("digits", "faces")


def add_convnext(lab: Path, seed: int = 0) -> Path:
    """Write ``tiny_convnext`` beside ``tiny_clip`` in a lab's folder; returns the lab."""
    clip_folder, folder = lab / "tiny_clip", lab / "tiny_convnext"
    (folder / "finetuned").mkdir(parents=True)
    shutil.copy(clip_folder / "bpe_merges.txt.gz", folder)
    config = CONFIG | {"model_cfg": MODEL | {"vision_cfg": VISION}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    clip = import_open_clip(timm=True).model.CLIP(MODEL["embed_dim"], VISION, MODEL["text_cfg"])
    with torch.no_grad():
        for name, parameter in clip.visual.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(1.0)  # timm's 1e-6 would hide every edit of a block
            elif parameter.ndim > 1:
                parameter.mul_(3.0)
    text = load_file(clip_folder / "open_clip_model.safetensors")
    weights = {
        name: (value if name.startswith("visual.") else text[name]).half().contiguous()
        for name, value in clip.state_dict().items()
    }
    save_file(weights, folder / "open_clip_model.safetensors")
    for key in KEYS:
        packed: dict[str, torch.Tensor] = {}
        for name, value in weights.items():
            if name.startswith("visual."):
                spread = 0.3 * value.float().std().nan_to_num(0.1) + 0.01
                packed |= pack(name, spread * torch.randn(value.shape))
        save_packed(folder / "finetuned" / f"{key}.safetensors", packed, {"checkpoint": key})
    return lab
