"""Under whose names an edited tower is written, and how whoever has the file loads it back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from evaluators.errors import LabError
from evaluators.export.edit_sources import BaseModel
from lines_core.clip_layouts.transformers_names import transformers_names

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ExportLayout:
    """One way to name the weights.

    Attributes:
        key: for `export`; also the Hub's name of the library.
        title: what the card calls it.
        rename: from open_clip's names to those of the file.
        block: what the names of block i begin with, for ``format``, counted from 0.
        after: beginnings of the names of what acts after the last block.
        config: the file's configuration, where the library wants one beside the weights.
        snippet: Python that loads the file back.
    """

    key: str
    title: str
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    block: str
    after: tuple[str, ...]
    config: Callable[[nn.Module], str] | None
    snippet: Callable[[BaseModel], str]


def activation(visual: Any) -> str:
    """The tower's activation in transformers' words. Raises: LabError for one that CLIP does not have."""
    name = type(visual.transformer.resblocks[0].mlp.gelu).__name__
    known = {"QuickGELU": "quick_gelu", "GELU": "gelu"}
    if name not in known:
        raise LabError(f"The tower's activation is {name}, expected one of {', '.join(known)}.")
    return known[name]


def _transformers_config(visual: Any) -> str:
    """``config.json`` of the CLIPVisionModelWithProjection that the tower is, read off the tower itself."""
    block = visual.transformer.resblocks[0]
    config = {
        "architectures": ["CLIPVisionModelWithProjection"],
        "model_type": "clip_vision_model",
        "hidden_size": visual.transformer.width,
        "intermediate_size": block.mlp.c_fc.out_features,
        "projection_dim": visual.proj.shape[1],
        "num_hidden_layers": len(visual.transformer.resblocks),
        "num_attention_heads": block.attn.num_heads,
        "image_size": visual.image_size[0],
        "patch_size": visual.patch_size[0],
        "hidden_act": activation(visual),
        "layer_norm_eps": visual.ln_pre.eps,
    }
    return json.dumps(config, indent=2) + "\n"


def _open_clip_snippet(base: BaseModel) -> str:
    size = base.image_size
    return f"""\
import open_clip
import torch
from PIL import Image
from safetensors.torch import load_file

model, preprocess = open_clip.create_model_from_pretrained("{base.open_clip}")
missing, unexpected = model.load_state_dict(load_file("{WEIGHTS_FILE}"), strict=False)
assert not unexpected and not any(name.startswith("visual.") for name in missing)
image = preprocess(Image.new("RGB", ({size}, {size}))).unsqueeze(0)  # in its place, an image of yours
with torch.no_grad():
    features = model.eval().encode_image(image, normalize=True)
"""


def _transformers_snippet(base: BaseModel) -> str:
    size = base.image_size
    return f"""\
import numpy as np
import torch
from PIL import Image
from transformers import CLIPVisionModelWithProjection

model = CLIPVisionModelWithProjection.from_pretrained(".").eval()  # the folder with {CONFIG_FILE}
image = np.asarray(Image.new("RGB", ({size}, {size})))  # yours, resized and cropped to this size
pixels = (image / 255 - {list(base.mean)}) / {list(base.std)}
with torch.no_grad():
    features = model(torch.tensor(pixels, dtype=torch.float32).permute(2, 0, 1)[None]).image_embeds
features = features / features.norm(dim=-1, keepdim=True)
"""


LAYOUTS: Mapping[str, ExportLayout] = MappingProxyType(
    {
        "open_clip": ExportLayout(
            "open_clip",
            "open_clip",
            dict,
            "visual.transformer.resblocks.{}.",
            ("visual.ln_post.", "visual.proj"),
            None,
            _open_clip_snippet,
        ),
        "transformers": ExportLayout(
            "transformers",
            "transformers CLIPVisionModelWithProjection",
            transformers_names,
            "vision_model.encoder.layers.{}.",
            ("vision_model.post_layernorm.", "visual_projection."),
            _transformers_config,
            _transformers_snippet,
        ),
    }
)
"""By key."""
