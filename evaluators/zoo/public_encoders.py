"""Public CLIP encoders of the paper, and finding the one that a checkpoint belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)


@dataclass(frozen=True)
class Encoder:
    """A pre-trained CLIP on the Hugging Face Hub.

    Attributes:
        key: identifier, as the paper's code writes it.
        title: name on the page.
        open_clip: open_clip's configuration. OpenAI's weights need its QuickGELU variant; with plain GELU
            they load without a warning and give wrong features.
        repo: Hub repository.
        revision: branch, tag or commit.
        weights: file names in open_clip's order of preference.
        num_blocks: L, residual blocks of the image tower.
        width: of the residual stream.
        patch_size, image_size: pixels a side.
        embed_dim: D, of the features.
        parameters: of the full CLIP.
        tower_parameters: of the image tower, projection included.
        megabytes: of the download, in 10**6 bytes.
        mean, std: per channel, of images in [0, 1].
    """

    key: str
    title: str
    open_clip: str
    repo: str
    num_blocks: int
    width: int
    patch_size: int
    embed_dim: int
    parameters: int
    tower_parameters: int
    megabytes: int
    image_size: int = 224
    revision: str = "main"
    weights: tuple[str, ...] = _WEIGHTS
    mean: tuple[float, float, float] = _OPENAI_MEAN
    std: tuple[float, float, float] = _OPENAI_STD


_ROWS = (
    Encoder(
        key="ViT-B-32",
        title="CLIP ViT-B/32",
        open_clip="ViT-B-32-quickgelu",
        repo="timm/vit_base_patch32_clip_224.openai",
        num_blocks=12,
        width=768,
        patch_size=32,
        embed_dim=512,
        parameters=151_277_313,
        tower_parameters=87_849_216,
        megabytes=605,
    ),
    Encoder(
        key="ViT-B-16",
        title="CLIP ViT-B/16",
        open_clip="ViT-B-16-quickgelu",
        repo="timm/vit_base_patch16_clip_224.openai",
        num_blocks=12,
        width=768,
        patch_size=16,
        embed_dim=512,
        parameters=149_620_737,
        tower_parameters=86_192_640,
        megabytes=599,
    ),
    Encoder(
        key="ViT-L-14",
        title="CLIP ViT-L/14",
        open_clip="ViT-L-14-quickgelu",
        repo="timm/vit_large_patch14_clip_224.openai",
        num_blocks=24,
        width=1024,
        patch_size=14,
        embed_dim=768,
        parameters=427_616_513,
        tower_parameters=303_966_208,
        megabytes=1711,
    ),
)

ENCODERS: Mapping[str, Encoder] = MappingProxyType({encoder.key: encoder for encoder in _ROWS})
"""By key. Sources: open_clip 3.3.0, pretrained.py and model_configs; the Hub's pages for the file sizes."""


def encoder_with_shapes(shapes: Mapping[str, tuple[int, ...]]) -> Encoder | None:
    """The encoder in `ENCODERS` whose image tower has these shapes, for hints such as "choose ViT-L-14".

    Compares patch embedding, position embedding, number of blocks, and `proj` if present.

    Args:
        shapes: by open_clip's names, ``visual.*``; other names are ignored.

    >>> encoder_with_shapes({"visual.conv1.weight": (768, 3, 32, 32)}) is None
    True
    """
    blocks = {
        int(found[1])
        for name in shapes
        if (found := re.match(r"visual\.transformer\.resblocks\.([0-9]{1,4})\.", name))
    }
    for encoder in ENCODERS.values():
        tokens = (encoder.image_size // encoder.patch_size) ** 2 + 1
        proj = (encoder.width, encoder.embed_dim)
        if (
            shapes.get("visual.conv1.weight") == (encoder.width, 3, encoder.patch_size, encoder.patch_size)
            and shapes.get("visual.positional_embedding") == (tokens, encoder.width)
            and shapes.get("visual.proj", proj) == proj
            and blocks == set(range(encoder.num_blocks))
        ):
            return encoder
    return None
