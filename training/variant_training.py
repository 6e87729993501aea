"""Variants of fine-tuning: learning rates that depend on depth, and low-rank updates (C.8, C.9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils import parametrize

from lines_core import depth_order

TRAINED_LOW_RANK = ("attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


@dataclass(frozen=True)
class DepthRates:
    """How the learning rate depends on depth.

    Args:
        title: name in the paper's Table 10.
        help: one sentence.
        at: factor in [0, 1] of segment s of L blocks: 0 before block 1, 1..L the blocks, L + 1 after block L;
            0 freezes the segment.
    """

    title: str
    help: str
    at: Callable[[int, int], float]


DEPTH_RATES: Mapping[str, DepthRates] = {
    "all": DepthRates("Fine-tuned", "Every layer learns at the same rate.", lambda segment, blocks: 1.0),
    "linlr": DepthRates(
        "LinLR",
        "The learning rate rises linearly from 0 at the first block to its full value at the last.",
        lambda segment, blocks: min(1.0, max(0, segment - 1) / (blocks - 1)),
    ),
    "explr": DepthRates(
        "ExpLR",
        "The learning rate halves with each block away from the last.",
        lambda segment, blocks: 0.5 ** max(0, blocks - segment),
    ),
    "halfft": DepthRates(
        "HalfFT",
        "The first half of the blocks, and the embeddings before them, are frozen.",
        lambda segment, blocks: float(segment > blocks // 2),
    ),
    "lastft": DepthRates(
        "LastFT",
        "Everything before the last block is frozen.",
        lambda segment, blocks: float(segment >= blocks),
    ),
}


def depth_factors(tower: nn.Module, rates: str) -> dict[str, float]:
    """Learning-rate factor of each parameter of an image tower, by its name in the tower."""
    names = {f"visual.{name}": name for name, _ in tower.named_parameters()}
    order = depth_order(names)
    return {
        names[name]: DEPTH_RATES[rates].at(segment, order.num_blocks)
        for segment, members in enumerate(order.segments)
        for name in members
    }


class LowRank(nn.Module):
    """W + B A with A of shape (rank, in) drawn as a linear layer's weight and B of shape (out, rank) zero.

    LoRA (Hu et al., 2022) with its scale alpha / rank at 1.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.a = nn.Parameter(weight.new_empty(rank, weight.shape[1]))
        self.b = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.a, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight that is used."""
        return weight + self.b @ self.a


def add_low_rank(tower: nn.Module, rank: int) -> None:
    """Freeze the tower and give every matrix of its blocks a trainable low-rank update."""
    tower.requires_grad_(False)
    for name, weight in list(tower.named_parameters()):
        if name.endswith(TRAINED_LOW_RANK):
            owner, _, own_name = name.rpartition(".")
            parametrize.register_parametrization(tower.get_submodule(owner), own_name, LowRank(weight, rank))


def low_rank_updates(tower: nn.Module) -> dict[str, LowRank]:
    """The updates that ``add_low_rank`` gave, by the name of their matrix."""
    return {
        path.replace("parametrizations.", "").removesuffix(".0"): update
        for path, update in tower.named_modules()
        if isinstance(update, LowRank)
    }
