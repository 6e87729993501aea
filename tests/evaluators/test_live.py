from pathlib import Path

import pytest
import torch

from evaluators.labs.embedded import TinyEncoder
from evaluators.live import LiveEncoder
from evaluators.spec import EditSpec


@pytest.fixture
def encoder(lab: Path) -> LiveEncoder:
    return TinyEncoder(lab / "tiny_clip", torch.device("cpu"), torch.float32)


def weights(encoder: LiveEncoder) -> torch.Tensor:
    """All weights of the image tower as the forward pass reads them, not as the flat vector says."""
    tower = dict(encoder.loaded.clip.visual.named_parameters(prefix="visual"))
    return encoder.layout.flatten(tower)


def test_carries_finetuned_and_pretrained_exactly(encoder: LiveEncoder) -> None:
    pretrained, residual = weights(encoder), encoder.residual("digits")
    encoder.carry("digits", EditSpec.finetuned().scales(4))
    assert torch.equal(weights(encoder), pretrained + residual)
    encoder.carry("faces", EditSpec.lines("faces", 0.3).scales(4))
    encoder.carry("", EditSpec.pretrained().scales(4))
    assert torch.equal(weights(encoder), pretrained)


def test_equal_scales_of_another_checkpoint_are_another_edit(encoder: LiveEncoder) -> None:
    scales = EditSpec.finetuned().scales(4)
    encoder.carry("digits", scales)
    digits = weights(encoder)
    encoder.carry("faces", scales)
    assert not torch.equal(weights(encoder), digits)


def test_after_a_failed_write_the_next_one_writes(
    encoder: LiveEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = EditSpec.finetuned().scales(4)
    encoder.carry("digits", scales)
    digits = weights(encoder)

    def half(*args: object) -> None:
        encoder._live[: encoder.layout.numel // 2] = 0.0
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(encoder._editor, "apply", half)
        with pytest.raises(RuntimeError, match="out of memory"):
            encoder.carry("faces", scales)
    encoder.carry("digits", scales)
    assert torch.equal(weights(encoder), digits)
