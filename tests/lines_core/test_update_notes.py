"""Notes on an update: implausibly large, nothing, rounding only, a text tower that was trained."""

import pytest
import torch

from lines_core.update_norms import update_norms
from lines_core.update_notes import update_notes

PRETRAINED = {
    "visual": torch.randn(4096, generator=torch.Generator().manual_seed(0)),
    "text": torch.randn(4096, generator=torch.Generator().manual_seed(1)),
    "logit_scale": torch.tensor(4.6052),
}
CHANGE = torch.randn(4096, generator=torch.Generator().manual_seed(2))
BLOCKS = {"visual": 0, "text": None, "logit_scale": None}


def kinds(finetuned: dict[str, torch.Tensor]) -> list[str]:
    notes = update_notes(update_norms(PRETRAINED, finetuned, BLOCKS), ["text", "logit_scale"])
    return [note.kind for note in notes]


@pytest.mark.parametrize("share", [0.006, 0.05, 0.23, 0.6])
def test_an_ordinary_update_has_no_note(share: float) -> None:
    """Relative norms of 0.004 to 0.42, since half of the weights are as they were."""
    assert kinds(PRETRAINED | {"visual": PRETRAINED["visual"] + share * CHANGE}) == []


def test_an_update_as_large_as_of_another_pretraining() -> None:
    finetuned = PRETRAINED | {"visual": CHANGE}
    (note,) = update_notes(update_norms(PRETRAINED, finetuned, BLOCKS))
    assert note.kind == "implausible"
    assert (
        "The change is 99% of the pre-trained weights (norms), that of ordinary fine-tunings 0.4 to 23%"
        in note.text
    )


def test_nothing_and_rounding_only() -> None:
    assert kinds(PRETRAINED) == ["identical"]
    assert kinds({name: tensor.bfloat16() for name, tensor in PRETRAINED.items()}) == ["rounded"]


def test_a_bf16_copy_of_the_text_tower_is_no_change_of_it() -> None:
    """The unchanged logit_scale differs by 0.0115 in bf16."""
    finetuned = {name: tensor.bfloat16() for name, tensor in PRETRAINED.items()}
    assert abs(float(finetuned["logit_scale"]) - 4.6052) > 0.01
    finetuned["visual"] += 0.05 * CHANGE
    assert kinds(finetuned) == []


def test_a_text_tower_that_was_trained() -> None:
    finetuned = PRETRAINED | {"text": PRETRAINED["text"] + 0.05 * CHANGE}
    (note,) = update_notes(update_norms(PRETRAINED, finetuned, BLOCKS), ["text", "logit_scale"])
    assert note.kind == "text"
    assert "'text'): its update is 0.049 of" in note.text
    trained_scale = PRETRAINED | {"visual": PRETRAINED["visual"] + 0.1, "logit_scale": torch.tensor(4.3)}
    assert kinds(trained_scale) == ["text"]


def test_not_finite() -> None:
    assert kinds(PRETRAINED | {"visual": PRETRAINED["visual"] / 0}) == ["not finite"]
