"""Editing the live weights, and forward passes that run out of memory."""

from pathlib import Path

import pytest
import torch

from evaluators.encoder.live_encoder import MAX_RESIDUALS, RESIDUAL_BYTES, LiveEncoder
from evaluators.errors import LabError
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.specs.edit_spec import EditSpec


@pytest.fixture
def encoder(lab: Path) -> LiveEncoder:
    return TinyEncoder(lab / "tiny_clip", torch.device("cpu"), torch.float32)


def weights(encoder: LiveEncoder) -> torch.Tensor:
    """All weights of the image tower, read from its modules and not from the flat vector."""
    tower = dict(encoder.loaded.clip.visual.named_parameters(prefix="visual"))
    return encoder.layout.flatten(tower)


def test_finetuned_and_pretrained_weights_are_exact(encoder: LiveEncoder) -> None:
    pretrained, residual = weights(encoder), encoder.residual("digits")
    encoder.write_edit("digits", EditSpec.finetuned().scales(4))
    assert torch.equal(weights(encoder), pretrained + residual)
    encoder.write_edit("faces", EditSpec.lines("faces", 0.3).scales(4))
    encoder.write_edit("", EditSpec.pretrained().scales(4))
    assert torch.equal(weights(encoder), pretrained)


def test_the_residual_cache_of_a_small_encoder_is_limited_by_count(encoder: LiveEncoder) -> None:
    assert encoder.residuals.max_bytes == MAX_RESIDUALS * encoder.residual_cost("digits") < RESIDUAL_BYTES


def test_equal_scales_of_another_checkpoint_are_another_edit(encoder: LiveEncoder) -> None:
    scales = EditSpec.finetuned().scales(4)
    encoder.write_edit("digits", scales)
    digits = weights(encoder)
    encoder.write_edit("faces", scales)
    assert not torch.equal(weights(encoder), digits)


def test_after_a_failed_write_the_next_one_writes(
    encoder: LiveEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = EditSpec.finetuned().scales(4)
    encoder.write_edit("digits", scales)
    digits = weights(encoder)

    def half(*args: object) -> None:
        encoder._live[: encoder.layout.numel // 2] = 0.0
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(encoder._editor, "apply", half)
        with pytest.raises(RuntimeError, match="out of memory"):
            encoder.write_edit("faces", scales)
    encoder.write_edit("digits", scales)
    assert torch.equal(weights(encoder), digits)


def test_out_of_memory_halves_the_batch_and_keeps_the_features(
    encoder: TinyEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.randn(11, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = encoder.encode(images)
    forward, sizes = encoder._forward, []

    def tight(batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        features: torch.Tensor = forward(batch)
        return features

    monkeypatch.setattr(encoder, "_forward", tight)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.encode(images), expected)
        assert sizes == [11, 5, 2, 2, 2, 2, 2, 1]
        torch.testing.assert_close(encoder.encode(images[:2]), expected[:2])
    assert sizes[-1] == 2


def test_out_of_memory_for_one_image_is_a_lab_error(
    encoder: TinyEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allocate(batch: torch.Tensor) -> torch.Tensor:
        return torch.empty(1 << 60, dtype=torch.uint8)

    monkeypatch.setattr(encoder.loaded.clip, "encode_image", allocate)
    with torch.inference_mode(), pytest.raises(LabError, match="not enough memory on cpu for a single image"):
        encoder.encode(torch.zeros(4, 3, 24, 24))


def test_another_error_is_raised_as_it_is(encoder: TinyEncoder) -> None:
    with torch.inference_mode(), pytest.raises(RuntimeError, match="channels"):
        encoder.encode(torch.zeros(4, 2, 24, 24))
