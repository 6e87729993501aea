"""Under whose names an edited tower is written, and how whoever has the file loads it back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from evaluators.errors import LabError
from evaluators.export.edit_sources import BaseModel, base_of
from evaluators.export.export_error import ExportError
from evaluators.export.folder_files import write_open_clip_folder
from evaluators.export.loading_snippets import open_clip_snippet, transformers_snippet
from evaluators.export.transformers_clip import clip_config, write_tokenizer
from evaluators.labs.lab import Lab
from lines_core.clip_layouts.transformers_names import transformers_names, transformers_text_names

CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ExportLayout:
    """One way to name the weights.

    Attributes:
        key: for `export`; also the Hub's name of the library.
        title: what the card calls it.
        rename, rename_text: the image and the text tower, from open_clip's names to those of the file.
        blocks: of (number of blocks): parts of parameters' names, and the block that each means, from 0.
        before, after: parts of the names of what acts before the first block, and after the last.
        config: of (tower, base model, text tower as renamed, empty without one), where the library wants one
            beside the weights.
        write_beside: writes what else it wants beside a whole CLIP, returns the files' names.
        snippet: Python that loads the folder; the flag says whether it holds the whole CLIP.
    """

    key: str
    title: str
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    rename_text: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    blocks: Callable[[int], Sequence[tuple[str, int]]]
    before: tuple[str, ...]
    after: tuple[str, ...]
    config: Callable[[nn.Module, BaseModel, Mapping[str, Tensor]], str] | None
    write_beside: Callable[[BaseModel, Path], list[str]]
    snippet: Callable[[BaseModel, bool], str]


def is_convnext(visual: nn.Module) -> bool:
    """Whether a tower is a ConvNeXt of timm."""
    return isinstance(getattr(getattr(visual, "trunk", None), "stages", None), nn.Module)


def layouts_of(lab: Lab) -> tuple[str, ...]:
    """Keys of the layouts that a lab's model can be written in; all where it does not say what it is."""
    try:
        tower = base_of(lab).clip_config["model_cfg"]["vision_cfg"]
    except LabError:
        return tuple(LAYOUTS)
    return ("open_clip",) if "timm_model_name" in tower else tuple(LAYOUTS)


def layout_for(key: str, visual: Any) -> ExportLayout:
    """The layout of a key for a tower.

    Raises: ExportError for an unknown key, or one whose library has no such tower.
    """
    if key not in LAYOUTS:
        raise ExportError(f"Unknown layout {key!r}: pick one of {', '.join(LAYOUTS)}.")
    if not is_convnext(visual):
        return LAYOUTS[key]
    if key != "open_clip":
        raise ExportError("transformers has no CLIP whose image tower is a ConvNeXt: pick open_clip.")
    depths = [len(stage.blocks) for stage in visual.trunk.stages]
    return replace(
        LAYOUTS[key],
        blocks=lambda _: _staged("visual.trunk.stages", depths),
        before=("visual.trunk.stem.",),
        after=("visual.trunk.head.", "visual.head."),
    )


def _numbered(part: str) -> Callable[[int], Sequence[tuple[str, int]]]:
    return lambda blocks: [(part.format(index), index) for index in range(blocks)]


def _staged(stages: str, depths: Sequence[int]) -> list[tuple[str, int]]:
    """Blocks counted through the stages; a downsampling layer goes with the block after it."""
    parts: list[tuple[str, int]] = []
    for stage, depth in enumerate(depths):
        first = sum(depths[:stage])
        parts.append((f"{stages}.{stage}.downsample.", first))
        parts += [(f"{stages}.{stage}.blocks.{index}.", first + index) for index in range(depth)]
    return parts


def activation(visual: Any) -> str:
    """The tower's activation in transformers' words. Raises: LabError for one that CLIP does not have."""
    if is_convnext(visual):
        return "gelu"
    name = type(visual.transformer.resblocks[0].mlp.gelu).__name__
    known = {"QuickGELU": "quick_gelu", "GELU": "gelu"}
    if name not in known:
        raise LabError(f"The tower's activation is {name}, expected one of {', '.join(known)}.")
    return known[name]


def _transformers_config(visual: Any, base: BaseModel, text: Mapping[str, Tensor]) -> str:
    """``config.json`` of the CLIPVisionModelWithProjection that the tower is, or the CLIPModel with its text
    tower; read off the towers themselves."""
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
    return clip_config(config, base, text) if text else json.dumps(config, indent=2) + "\n"


LAYOUTS: Mapping[str, ExportLayout] = MappingProxyType(
    {
        "open_clip": ExportLayout(
            "open_clip",
            "open_clip",
            dict,
            dict,
            _numbered("visual.transformer.resblocks.{}."),
            ("visual.conv1.", "visual.class_embedding", "visual.positional_embedding", "visual.ln_pre."),
            ("visual.ln_post.", "visual.proj"),
            None,
            write_open_clip_folder,
            open_clip_snippet,
        ),
        "transformers": ExportLayout(
            "transformers",
            "transformers CLIP",
            transformers_names,
            transformers_text_names,
            _numbered("vision_model.encoder.layers.{}."),
            ("vision_model.embeddings.", "vision_model.pre_layrnorm."),
            ("vision_model.post_layernorm.", "visual_projection."),
            _transformers_config,
            write_tokenizer,
            transformers_snippet,
        ),
    }
)
"""By key."""
