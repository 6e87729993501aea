"""Local CLIP folders: their description, and loading through open_clip without a download."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.errors import LabError
from lines_core.architectures import recognise
from lines_core.checkpoints import read_shapes
from lines_core.errors import LinesError

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
MERGES = "bpe_merges.txt.gz"
TOWER = "visual."
"""Prefix of the image tower's parameter names."""


@dataclass(frozen=True)
class TowerInfo:
    """Description of an image tower.

    Args:
        num_blocks: L, residual blocks.
        parameters: weights.
        image_size: S, pixels a side.
        mean, std: per channel, of images in [0, 1].
    """

    num_blocks: int
    parameters: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def read_tower_info(folder: Path) -> TowerInfo:
    """Description of a model from its configuration and the header of its weights file.

    Raises: LabError that names the absent or damaged file.
    Cost: a millisecond.
    """
    _check_present(folder)
    config = _read_config(folder)
    try:
        shapes = read_shapes(folder / WEIGHTS)
        num_blocks = recognise(shapes).num_blocks
    except LinesError as error:
        raise LabError(f"{folder / WEIGHTS} does not hold a CLIP: {error}") from error
    parameters = sum(math.prod(shape) for name, shape in shapes.items() if name.startswith(TOWER))
    return TowerInfo(num_blocks, parameters, config.image_size, config.mean, config.std)


@dataclass(frozen=True)
class LoadedModel:
    """A pre-trained CLIP, ready to encode.

    Args:
        clip: open_clip model in evaluation mode, float32.
        tokenizer: from a list of texts to token ids of shape (texts, context length).
    """

    clip: Any
    tokenizer: Callable[[list[str]], Tensor]


def load_model(folder: Path, device: str | torch.device = "cpu") -> LoadedModel:
    """The model of a folder with `CONFIG`, `WEIGHTS` and BPE `MERGES`.

    Raises: LabError that names the absent file, or the mismatch between them.
    Cost: half a second, nearly all of it the import of open_clip; once some seconds for a tower of timm.
    """
    _check_present(folder)
    config = _read_config(folder)
    open_clip = import_open_clip(timm=config.timm)
    try:
        clip = open_clip.create_model(f"local-dir:{folder}", device=device, require_pretrained=True)
        tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / MERGES))
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise LabError(f"open_clip cannot load {folder}: {error}") from error
    if tokenizer.vocab_size != config.vocabulary:
        raise LabError(
            f"{folder / MERGES} makes {tokenizer.vocab_size} tokens, the text tower has {config.vocabulary}: "
            "they are not from the same training."
        )
    clip.eval().requires_grad_(False)
    return LoadedModel(clip, tokenizer)


@dataclass(frozen=True)
class _Config:
    image_size: int
    vocabulary: int
    timm: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]


def _check_present(folder: Path) -> None:
    for name in (CONFIG, WEIGHTS, MERGES):
        if not (folder / name).is_file():
            raise LabError(f"{folder / name} is absent: the model cannot be loaded.")


def _read_config(folder: Path) -> _Config:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        mean, std = (tuple(map(float, config["preprocess_cfg"][name])) for name in ("mean", "std"))
        vision = config["model_cfg"]["vision_cfg"]
        return _Config(
            int(vision["image_size"]),
            int(config["model_cfg"]["text_cfg"]["vocab_size"]),
            "timm_model_name" in vision,
            mean,
            std,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LabError(f"{folder / CONFIG} is not an open_clip configuration: {error!r}") from error
