"""The layout of both towers of a T5: which factor each block gets for each part."""

import pytest
import torch
from torch import Tensor

from lines_core.errors import LayerError
from lines_core.serial_layout import SerialLayout


def named(encoder: int = 2, decoder: int = 2) -> dict[str, Tensor]:
    towers = {"encoder": encoder, "decoder": decoder}
    blocks = {
        f"{tower}.block.{i}.layer.0.x": torch.ones(i + 1) for tower in towers for i in range(towers[tower])
    }
    norms = {f"{tower}.final_layer_norm.weight": torch.ones(1) for tower in towers}
    return {**norms, **blocks, "shared.weight": torch.ones(3)}


def test_segments_run_from_the_embedding_through_both_towers() -> None:
    layout = SerialLayout.of(named())
    assert layout.flat.names == (
        "shared.weight",
        "encoder.block.0.layer.0.x",
        "encoder.block.1.layer.0.x",
        "encoder.final_layer_norm.weight",
        "decoder.block.0.layer.0.x",
        "decoder.block.1.layer.0.x",
        "decoder.final_layer_norm.weight",
    )
    assert layout.flat.bounds == (0, 3, 4, 6, 7, 8, 10, 11)
    assert (layout.encoder, layout.decoder) == (2, 2)


@pytest.mark.parametrize(
    ("part", "factors"),
    [
        ("encoder", (0.2, 0.6, 1.0, 1.0, 1.0)),
        ("decoder", (1.0, 1.0, 1.0, 0.2, 0.6)),
        ("both", (0.2, 0.6, 1.0, 0.2, 0.6)),
    ],
)
def test_only_the_part_is_bent(part: str, factors: tuple[float, ...]) -> None:
    assert SerialLayout.of(named()).factors(part, (0.2, 0.6), 1.0) == factors


def test_what_does_not_fit_is_refused() -> None:
    layout = SerialLayout.of(named(encoder=3))
    assert layout.blocks_of("encoder") == 3
    with pytest.raises(LayerError, match="as many"):
        layout.blocks_of("both")
    with pytest.raises(LayerError, match="A part is one of encoder, decoder, both, got 'image'"):
        layout.blocks_of("image")
    with pytest.raises(LayerError, match="The decoder has 2 blocks, got 3 factors"):
        layout.factors("decoder", (0.0, 0.5, 1.0), 1.0)
