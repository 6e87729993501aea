"""A 4-block, 8-wide image tower with open_clip's names, and its "finetuned" twin; no network, no GPU."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import settings
from torch import Tensor

# A busy machine makes an example slow, not wrong: without this the suite failed there on DeadlineExceeded.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

WIDTH, EMBED = 8, 6
Tower = dict[str, Tensor]


def build_tower(num_blocks: int, prefix: str, seed: int) -> Tower:
    """Random parameters under open_clip's names, in the order open_clip registers them (proj early)."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "class_embedding": (WIDTH,),
        "positional_embedding": (5, WIDTH),
        "proj": (WIDTH, EMBED),
        "conv1.weight": (WIDTH, 3, 2, 2),
        "ln_pre.weight": (WIDTH,),
        "ln_pre.bias": (WIDTH,),
    }
    for block in range(num_blocks):
        inside = {
            "ln_1.weight": (WIDTH,),
            "ln_1.bias": (WIDTH,),
            "attn.in_proj_weight": (3 * WIDTH, WIDTH),
            "attn.in_proj_bias": (3 * WIDTH,),
            "mlp.c_fc.weight": (2 * WIDTH, WIDTH),
        }
        shapes |= {f"transformer.resblocks.{block}.{name}": shape for name, shape in inside.items()}
    shapes |= {"ln_post.weight": (WIDTH,), "ln_post.bias": (WIDTH,)}
    return {prefix + name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def make_tower() -> Callable[..., Tower]:
    def make(num_blocks: int = 4, prefix: str = "visual.", seed: int = 0) -> Tower:
        return build_tower(num_blocks, prefix, seed)

    return make


@pytest.fixture
def pretrained() -> Tower:
    return build_tower(4, "visual.", seed=0)


@pytest.fixture
def finetuned(pretrained: Tower) -> Tower:
    change = build_tower(4, "visual.", seed=1)
    return {name: tensor + 0.1 * change[name] for name, tensor in pretrained.items()}
