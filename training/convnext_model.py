"""Tiny ConvNeXt: a CLIP with timm's smallest ConvNeXt as its image tower, and Tiny CLIP's text tower."""

import json
from pathlib import Path
from typing import Any

import torch
from open_clip.model import CLIP

from evaluators.encoder.open_clip_import import import_open_clip
from training.tiny_clip_model import CONFIG_FILE, MODEL_CONFIG
from training.world.looks import PIXELS

LAYER_SCALE = 1.0
"""Start of every layer scale. timm's 1e-6 is meant for schedules that are a hundred times longer."""
CONVNEXT_CONFIG: dict[str, Any] = {
    "embed_dim": MODEL_CONFIG["embed_dim"],
    "vision_cfg": {
        "timm_model_name": "convnext_zepto_rms_ols",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": PIXELS,
    },
    "text_cfg": MODEL_CONFIG["text_cfg"],
}


def save_convnext_config(folder: Path) -> None:
    """Write ``open_clip_config.json`` for open_clip's ``local-dir:`` loader."""
    vocabulary = {"tokenizer_kwargs": {"bpe_path": "assets/tiny_convnext/bpe_merges.txt.gz"}}
    model = CONVNEXT_CONFIG | {"text_cfg": CONVNEXT_CONFIG["text_cfg"] | vocabulary}
    text = json.dumps(CONFIG_FILE | {"model_cfg": model}, indent=2)
    (folder / "open_clip_config.json").write_text(text + "\n", encoding="utf-8")


def fresh_convnext(text: CLIP, seed: int) -> CLIP:
    """Tiny ConvNeXt with a random image tower, a function of the seed, and the text tower of another CLIP."""
    import_open_clip(timm=True)
    torch.manual_seed(seed)
    model = CLIP(**CONVNEXT_CONFIG)
    for name, parameter in model.visual.named_parameters():
        if name.endswith(".gamma"):
            torch.nn.init.constant_(parameter, LAYER_SCALE)
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    with torch.no_grad():
        for name, value in text.state_dict().items():
            if not name.startswith("visual."):
                own[name].copy_(value)
    return model.to(memory_format=torch.channels_last)


def load_convnext(folder: Path) -> CLIP:
    """Tiny ConvNeXt through open_clip's own local loader, in fp32 and evaluation mode."""
    open_clip = import_open_clip(timm=True)
    model = open_clip.create_model(f"local-dir:{folder.resolve()}", require_pretrained=True)
    assert isinstance(model, CLIP)
    return model.to(memory_format=torch.channels_last).eval()
