"""What lies beside the weights for other programs to load the folder: configurations, text tower, tokens."""

import copy
import json
import shutil
from pathlib import Path

from torch import Tensor

from evaluators.encoder.open_clip_folder import CONFIG, MERGES, TOWER
from evaluators.errors import LabError
from evaluators.export.edit_sources import BaseModel
from lines_core.checkpoints import read_checkpoint
from lines_core.errors import CheckpointError

PREPROCESSOR_FILE = "preprocessor_config.json"


def preprocessor_config(base: BaseModel) -> str:
    """``preprocessor_config.json`` of transformers' ``CLIPImageProcessor``.

    Source: transformers 5.23. Its pixels are open_clip's, except that it resizes with torchvision rather than
    Pillow: fewer than 1 % of them differ then, by one of 255 levels (tests).
    """
    size = base.image_size
    config = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": size},
        "resample": 3,  # bicubic
        "do_center_crop": True,
        "crop_size": {"height": size, "width": size},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(base.mean),
        "image_std": list(base.std),
    }
    return json.dumps(config, indent=2) + "\n"


def write_open_clip_folder(base: BaseModel, folder: Path) -> list[str]:
    """Write what open_clip's ``local-dir:`` needs beside a whole CLIP's weights; returns the files' names.

    A vocabulary other than open_clip's own goes along. open_clip looks for its path in the configuration from
    where Python runs and not from the folder: elsewhere `get_tokenizer` ends with FileNotFoundError unless
    it is given ``bpe_path``, as the card's snippet does.
    """
    config = copy.deepcopy(base.clip_config)
    names = [CONFIG]
    if base.merges is not None:
        config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"bpe_path": MERGES}
        shutil.copyfile(base.merges, folder / MERGES)
        names.append(MERGES)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return names


def text_tower(base: BaseModel) -> dict[str, Tensor]:
    """The base model's parameters outside the image tower, float32, open_clip's names.

    Raises: LabError if its file can no longer be read.
    """
    try:
        tensors = read_checkpoint(base.clip_file)
    except CheckpointError as error:
        raise LabError(f"The text tower of {base.title} cannot be read: {error}") from error
    return {name: value.float() for name, value in tensors.items() if not name.startswith(TOWER)}
