"""Accuracy and time of the conversion of transformers checkpoints at the public sizes.

A CLIP vision tower of transformers with random weights is renamed by `lines_core.clip_layouts`, loaded
into open_clip's ``-quickgelu`` tower, and both encode the same random images in float32. Needs 5 GB of
memory for ViT-L/14. Run with ``python -m benchmarks conversion``.
"""

import time

import torch
from torch import nn

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.zoo.public_encoders import ENCODERS, Encoder
from lines_core.clip_layouts.image_tower import image_tower
from lines_core.clip_layouts.layouts import TOWER

THREADS = 2
IMAGES = 4
ROUNDS = 3


@torch.no_grad()
def randomise(module: nn.Module, seed: int) -> None:
    """Make every parameter random: initially all biases are 0, so mixing them up would not show."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim > 1:
            parameter.normal_(0.0, parameter[0].numel() ** -0.5, generator=generator)
        else:
            parameter.normal_(1.0, 0.1, generator=generator)


@torch.no_grad()
def measure(encoder: Encoder) -> None:
    """Convert one encoder and print the difference of its features to the source's."""
    open_clip = import_open_clip()
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=encoder.width,
        intermediate_size=4 * encoder.width,
        projection_dim=encoder.embed_dim,
        num_hidden_layers=encoder.num_blocks,
        num_attention_heads=encoder.width // 64,
        image_size=encoder.image_size,
        patch_size=encoder.patch_size,
        hidden_act="quick_gelu",
    )
    source = CLIPVisionModelWithProjection(config)
    randomise(source, seed=0)
    with torch.device("meta"):  # only the image tower is given memory
        target = open_clip.CLIP(**open_clip.get_model_config(encoder.open_clip)).visual
    target.to_empty(device="cpu")
    randomise(target, seed=1)
    source.train(False)
    target.train(False)

    pretrained = {TOWER + name: tensor for name, tensor in target.state_dict().items()}
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = image_tower(source.state_dict(), pretrained, encoder.title)
        seconds.append(time.perf_counter() - started)
    images = torch.randn(
        IMAGES,
        3,
        encoder.image_size,
        encoder.image_size,
        generator=torch.Generator().manual_seed(2),
    )
    expected = source(pixel_values=images).image_embeds
    before = (target(images) - expected).abs().max()
    target.load_state_dict({name.removeprefix(TOWER): tensor for name, tensor in found.weights.items()})
    difference = (target(images) - expected).abs().max()
    print(
        f"{encoder.title}, {IMAGES} images, float32, {THREADS} threads\n"
        f"  largest |difference| of the features     {difference:12.2e}   target <= 1e-05\n"
        f"  the same before the weights were loaded  {before:12.2e}\n"
        f"  mean |feature|                           {expected.abs().mean():12.2e}\n"
        f"  conversion and checks, best of {ROUNDS}         {1000 * min(seconds):9.0f} ms"
    )


def main() -> None:
    """Measure every encoder of the zoo."""
    torch.set_num_threads(THREADS)
    for encoder in ENCODERS.values():
        measure(encoder)


if __name__ == "__main__":
    main()
