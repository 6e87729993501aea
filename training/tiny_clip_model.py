"""Tiny CLIP: a CLIP with the depth of ViT-B (12 residual blocks), 128 wide, for 48-pixel images."""

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from torch import nn

from training.vocabulary import CONTEXT_LENGTH, VOCABULARY_SIZE
from training.world.looks import PIXELS

MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": PIXELS,
        "patch_size": 16,
        "width": 128,
        "layers": 12,
        "head_width": 64,
        "mlp_ratio": 2.0,
    },
    "text_cfg": {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": VOCABULARY_SIZE,
        "width": 64,
        "heads": 2,
        "layers": 3,
    },
}
_BPE_PATH = "assets/tiny_clip/bpe_merges.txt.gz"
"""Its own vocabulary: open_clip looks for it from where Python runs, a checkout."""
CONFIG_FILE = {
    "model_cfg": MODEL_CONFIG
    | {"text_cfg": MODEL_CONFIG["text_cfg"] | {"tokenizer_kwargs": {"bpe_path": _BPE_PATH}}},
    "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"},
}
TOKEN_STD = 0.1
"""Spread of fresh token embeddings: words that no caption uses still read as different words."""


def save_config(folder: Path) -> None:
    """Write ``open_clip_config.json`` for open_clip's ``local-dir:`` loader."""
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG_FILE, indent=2) + "\n")


def fresh_model(seed: int) -> CLIP:
    """Tiny CLIP with random weights, a function of the seed."""
    torch.manual_seed(seed)
    model = CLIP(**MODEL_CONFIG)
    nn.init.normal_(model.token_embedding.weight, std=TOKEN_STD)
    return model


def load_tiny_clip(folder: Path) -> CLIP:
    """Tiny CLIP through open_clip's own local loader, in fp32 and evaluation mode."""
    model = open_clip.create_model(f"local-dir:{folder.resolve()}", require_pretrained=True)
    assert isinstance(model, CLIP)
    return model.eval()


def to_input(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 images (N, 48, 48, 3) or (N, 3, 48, 48) as normalised fp32 input (N, 3, 48, 48)."""
    if pixels.shape[-1] == 3:
        pixels = pixels.permute(0, 3, 1, 2)
    mean = torch.tensor(MEAN).view(1, 3, 1, 1) * 255
    std = torch.tensor(STD).view(1, 3, 1, 1) * 255
    return (pixels.float() - mean) / std
