"""Differences between a checkpoint and a model."""

import math
from collections.abc import Callable

import pytest
import torch

from lines_core.checkpoints import compare
from lines_core.errors import CheckpointError
from tests.lines_core.checkpoints.equality import Tower


def test_the_same_model_in_another_precision_and_order_fits(pretrained: Tower, finetuned: Tower) -> None:
    compare(pretrained, finetuned)
    compare(pretrained, {name: finetuned[name].half() for name in reversed(finetuned)})
    compare(pretrained, {name: tensor.bfloat16() for name, tensor in finetuned.items()})


def test_every_mismatch_is_named(pretrained: Tower, finetuned: Tower) -> None:
    block = "visual.transformer.resblocks"
    del finetuned["visual.ln_post.bias"]
    finetuned["visual.extra"] = torch.ones(1)
    finetuned["visual.proj"] = torch.ones(8, 5)
    finetuned[f"{block}.0.ln_1.weight"] = torch.ones(8, dtype=torch.int32)
    finetuned[f"{block}.1.ln_1.weight"] = torch.full((8,), math.nan)
    finetuned[f"{block}.2.ln_1.weight"] = torch.full((8,), -math.inf)
    with pytest.raises(CheckpointError, match="does not fit the chosen Tiny CLIP: ") as raised:
        compare(pretrained, finetuned, "Tiny CLIP")
    assert raised.value.mismatches == (
        "missing: visual.ln_post.bias",
        "unexpected: visual.extra",
        "wrong shape: visual.proj is (8, 5), expected (8, 6)",
        f"wrong dtype: {block}.0.ln_1.weight is int32, expected a floating-point type",
        f"not finite: {block}.1.ln_1.weight holds NaN or infinity",
        f"not finite: {block}.2.ln_1.weight holds NaN or infinity",
    )
    for kind in (
        "missing: visual.ln_post.bias;",
        "unexpected: visual.extra;",
        "wrong shape: visual.proj is (8, 5)",
    ):
        assert kind in str(raised.value)


def test_a_checkpoint_that_fits_but_diverged_is_called_that(pretrained: Tower, finetuned: Tower) -> None:
    name = "visual.ln_post.bias"
    finetuned[name] = torch.full_like(finetuned[name], math.nan)
    said = rf"fits the chosen Tiny CLIP, but {name} holds NaN or infinity\. Take a checkpoint from before"
    with pytest.raises(CheckpointError, match=said) as raised:
        compare(pretrained, finetuned, "Tiny CLIP")
    assert raised.value.mismatches == (f"not finite: {name} holds NaN or infinity",)


def test_another_number_of_blocks_is_said_first(make_tower: Callable[..., Tower]) -> None:
    with pytest.raises(
        CheckpointError, match="chosen ViT-B-32: 24 blocks, the chosen ViT-B-32 has 12: pick"
    ) as raised:
        compare(make_tower(12), make_tower(24), "ViT-B-32")
    assert len(raised.value.mismatches) == 1 + 12 * 5
    assert "and 55 more" in str(raised.value)


def test_complex_bool_and_float8_weights_are_refused(pretrained: Tower, finetuned: Tower) -> None:
    for dtype in (torch.complex64, torch.bool, torch.float8_e4m3fn):
        changed = finetuned | {"visual.proj": finetuned["visual.proj"].to(dtype)}
        with pytest.raises(
            CheckpointError, match=r"wrong dtype: visual\.proj is (complex64|bool|float8_e4m3fn)"
        ):
            compare(pretrained, changed)


@pytest.mark.parametrize(
    ("given_prefix", "wanted", "removed"),
    [("model.visual.", "''", "'model.'"), ("module.visual.", "''", "'module.'"), ("", "'visual.'", "''")],
)
def test_a_prefix_too_many_is_pointed_out(
    make_tower: Callable[..., Tower], given_prefix: str, wanted: str, removed: str
) -> None:
    with pytest.raises(CheckpointError, match=f"would fit with {wanted} in place of the prefix {removed}"):
        compare(make_tower(), make_tower(prefix=given_prefix))


def test_nothing_fits_a_checkpoint_of_something_else(pretrained: Tower) -> None:
    with pytest.raises(CheckpointError, match=r"missing: .* and 23 more; unexpected: weight\.") as raised:
        compare(pretrained, {"weight": torch.ones(1)})
    assert len(raised.value.mismatches) == len(pretrained) + 1
