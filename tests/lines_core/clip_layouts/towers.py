"""Small CLIP towers of open_clip and transformers, and checkpoints of every layout."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from evaluators.encoder.torchvision_operators import declare_missing_operators

Tensors = dict[str, Tensor]


class Size(NamedTuple):
    """Patch, tokens and depth of a public model; narrow, so that a test is quick."""

    title: str
    patch: int
    num_blocks: int
    heads: int
    embed: int
    width: int = 48


SIZES = (Size("B/32", 32, 12, 12, 8), Size("B/16", 16, 12, 12, 8), Size("L/14", 14, 24, 16, 12))
SMALL = Size("small", 32, 3, 4, 6, 16)

TEXT = {
    "token_embedding.weight": torch.arange(6.0).reshape(3, 2),
    "positional_embedding": torch.ones(4, 2),
    "ln_final.weight": torch.ones(2),
    "ln_final.bias": torch.zeros(2),
    "text_projection": torch.eye(2),
    "logit_scale": torch.tensor(4.6),
}
BLOCKS = {"transformer.resblocks.0.ln_1.weight": torch.ones(2)}
HEAD = {"classification_head.weight": torch.ones(5, 6), "classification_head.bias": torch.zeros(5)}


def transformers_clip(size: Size) -> Any:
    """A whole CLIP of transformers with every parameter random: as made, its biases are 0 and gains 1."""
    declare_missing_operators()
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(
        projection_dim=size.embed,
        vision_config={
            "hidden_size": size.width,
            "intermediate_size": 4 * size.width,
            "num_hidden_layers": size.num_blocks,
            "num_attention_heads": size.heads,
            "image_size": 224,
            "patch_size": size.patch,
            "hidden_act": "quick_gelu",
        },
        text_config={
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "vocab_size": 8,
            "bos_token_id": 6,
            "eos_token_id": 7,
        },
    )
    clip = CLIPModel(config)
    clip.train(False)
    randomise(clip, seed=0)
    return clip


def open_clip_tower(size: Size) -> nn.Module:
    """The image tower of open_clip's ``-quickgelu`` configurations."""
    declare_missing_operators()
    from open_clip.transformer import QuickGELU, VisionTransformer

    tower: nn.Module = VisionTransformer(
        224,
        size.patch,
        size.width,
        size.num_blocks,
        size.heads,
        mlp_ratio=4.0,
        output_dim=size.embed,
        act_layer=QuickGELU,
    )
    randomise(tower, seed=1)
    return tower.eval()


@torch.no_grad()
def randomise(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.normal_(1.0 if parameter.ndim == 1 else 0.0, spread, generator=generator)


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def visual(tower: nn.Module) -> Tensors:
    return under("visual.", {name: tensor.detach() for name, tensor in tower.state_dict().items()})


def vision_model(clip: Any) -> Tensors:
    return {name: t for name, t in clip.state_dict().items() if name.startswith("vision_model.")}


def layouts(clip: Any, tower: Tensors) -> dict[str, tuple[Tensors, list[str]]]:
    """Title -> the checkpoint, and what is unused in it."""
    bare = {name.removeprefix("visual."): tensor for name, tensor in tower.items()}
    flat = {name.removeprefix("vision_model."): tensor for name, tensor in vision_model(clip).items()}
    projection = {"visual_projection.weight": clip.visual_projection.weight.detach()}
    ids = {"embeddings.position_ids": torch.arange(50).reshape(1, -1)}
    rest = {n: t for n, t in clip.state_dict().items() if n.startswith("text_") or n == "logit_scale"}
    rest["text_model.embeddings.position_ids"] = torch.arange(77).reshape(1, -1)
    soup = under("model.", tower | TEXT) | HEAD
    return {
        "model soups: open_clip, prefix model., with a classification head": (
            soup,
            list(under("model.", TEXT)),
        ),
        "open_clip, prefix model.": (under("model.", tower | TEXT), list(under("model.", TEXT))),
        "open_clip": (TEXT | BLOCKS | tower, [*TEXT, *BLOCKS]),
        "open_clip, image tower alone": (bare, []),
        "transformers CLIPModel": (
            clip.state_dict() | rest | under("vision_model.", ids),
            [*rest, *under("vision_model.", ids)],
        ),
        "transformers CLIPVisionModelWithProjection": (vision_model(clip) | projection, []),
        "transformers CLIPVisionModel, prefix vision_model.": (
            vision_model(clip) | under("vision_model.", ids),
            list(under("vision_model.", ids)),
        ),
        "transformers CLIPVisionModel": (flat | ids, list(ids)),
    }
