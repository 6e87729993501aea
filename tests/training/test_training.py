"""The trainings' formulas by hand, and that a stopped training goes on where it was."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.finetuning import FinetuningConfig, finetune
from training.pretraining import PretrainingConfig, contrastive_loss, pretrain
from training.tiny_clip_model import MODEL_CONFIG, to_input
from training.training_log import read_training_log, save_entry
from training.vocabulary import CONTEXT_LENGTH, VOCABULARY_SIZE, save_merges, tokenizer
from training.web import Web

NOTHING = torch.zeros(2, 2, dtype=torch.bool)


def test_loss_without_shared_meanings_is_clip_s() -> None:
    images, texts = torch.eye(2), torch.eye(2)
    loss = contrastive_loss(images, texts, torch.eye(2).bool(), NOTHING, torch.tensor(1.0))
    torch.testing.assert_close(loss, torch.tensor(math.log(1 + math.exp(-1))))


def test_captions_with_one_meaning_share_the_target() -> None:
    images = texts = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = contrastive_loss(images, texts, torch.ones(2, 2).bool(), NOTHING, torch.tensor(3.0))
    torch.testing.assert_close(loss, torch.tensor(math.log(2)))


def test_an_unclear_pair_is_no_wrong_answer() -> None:
    images = texts = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = contrastive_loss(images, texts, torch.eye(2).bool(), ~torch.eye(2).bool(), torch.tensor(3.0))
    torch.testing.assert_close(loss, torch.tensor(0.0))


def test_a_caption_without_details_is_true_of_every_image_of_its_kind() -> None:
    web = small_web()
    batch = web.batch(step=0, size=12, seed=1, families=1)
    assert not (batch.same & batch.unclear).any()
    assert bool(batch.unclear.any())


def test_a_batch_shows_as_many_families_as_asked() -> None:
    web = small_web()
    batch = web.batch(step=0, size=60, seed=1, families=2)
    shown = {int(web.families[(web.pixels == pixels).flatten(1).all(1)]) for pixels in batch.pixels}
    assert len(shown) == 2


def test_pretraining_rate_rises_stays_and_falls() -> None:
    config = PretrainingConfig(steps=100, rate=1.0, warmup=10, decay=0.5)
    rates = [config.rate_at(step) for step in (0, 9, 30, 50, 75, 99)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 1.0, 0.5, 0.02])


def test_finetuning_rate_rises_and_falls_as_a_cosine() -> None:
    config = FinetuningConfig(steps=110, rate=2.0, warmup=10)
    assert config.rate_at(0) == pytest.approx(0.2)
    assert config.rate_at(10) == pytest.approx(2.0)
    assert config.rate_at(60) == pytest.approx(1.0)
    assert config.rate_at(110) == pytest.approx(0.0)


def small_web() -> Web:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (12, 48, 48, 3), generator=generator).to(torch.uint8)
    tokens = torch.randint(1, 500, (12, 3, CONTEXT_LENGTH), generator=generator)
    tokens[..., -1] = VOCABULARY_SIZE - 1
    return Web(
        pixels=pixels,
        families=torch.arange(12) % 3,
        labels=torch.arange(12) % 2,
        tokens=tokens.to(torch.int16),
        meanings=torch.arange(36).view(12, 3),
        generic=torch.zeros(12, 3, dtype=torch.bool),
        plain=torch.ones(12, 3, dtype=torch.bool),
    )


def test_a_resumed_pretraining_equals_one_that_never_stopped(tmp_path: Path) -> None:
    whole = PretrainingConfig(steps=4, batch=4, warmup=2, decay=0.0, seed=3, families=2)
    list(pretrain(small_web(), whole, tmp_path / "straight.pt"))
    list(pretrain(small_web(), replace(whole, steps=2), tmp_path / "resumed.pt"))
    list(pretrain(small_web(), whole, tmp_path / "resumed.pt"))
    resumed = torch.load(tmp_path / "resumed.pt", weights_only=True)["model"]
    straight = torch.load(tmp_path / "straight.pt", weights_only=True)["model"]
    for name, tensor in straight.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=0, atol=0)


def test_a_resumed_finetuning_equals_one_that_never_stopped(tmp_path: Path) -> None:
    """It stops after the line of step 100; augmentation, order and optimiser go on where they were."""
    from open_clip.model import CLIP  # after the project has declared what torchvision lacks

    config = FinetuningConfig(steps=104, batch=2, rate=1e-3, augment="light", mixup=0.2, seed=3)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (6, 48, 48, 3), generator=generator).to(torch.uint8)
    labels, head = torch.arange(6) % 3, torch.eye(128)[:, :3]
    vision = {**MODEL_CONFIG["vision_cfg"], "layers": 2}

    def tower(checkpoint: Path | None, stop: bool = False) -> dict[str, torch.Tensor]:
        torch.manual_seed(5)
        model = CLIP(**{**MODEL_CONFIG, "vision_cfg": vision})
        lines = finetune(model, head, pixels, labels, config, checkpoint, save_every=0.0)
        next(lines)
        if not stop:
            assert list(lines) == []
        return dict(model.visual.state_dict())

    straight = tower(None)
    checkpoint = tmp_path / "stopped.pt"
    tower(checkpoint, stop=True)
    assert checkpoint.exists()
    model = CLIP(**{**MODEL_CONFIG, "vision_cfg": vision})
    list(finetune(model, head, pixels, labels, config, checkpoint))
    for name, tensor in straight.items():
        torch.testing.assert_close(model.visual.state_dict()[name], tensor, rtol=0, atol=0)
    assert not checkpoint.exists()


def test_tokenizer_reads_any_text_within_its_vocabulary(tmp_path: Path) -> None:
    save_merges(tmp_path)
    first = (tmp_path / "bpe_merges.txt.gz").read_bytes()
    save_merges(tmp_path)
    assert (tmp_path / "bpe_merges.txt.gz").read_bytes() == first
    tokens = tokenizer(tmp_path)(["a photo of the heißluftballon.", "日本"])
    assert tokens.shape == (2, CONTEXT_LENGTH)
    assert int(tokens.max()) == VOCABULARY_SIZE - 1


def test_input_is_normalised() -> None:
    grey = torch.full((1, 48, 48, 3), 255, dtype=torch.uint8)
    torch.testing.assert_close(to_input(grey), torch.full((1, 3, 48, 48), 2.0))


def test_the_training_log_keeps_the_other_entries(tmp_path: Path) -> None:
    assert read_training_log(tmp_path) == {}
    save_entry(tmp_path, "digits", {"steps": 3})
    save_entry(tmp_path, "faces", {"steps": 4})
    save_entry(tmp_path, "digits", {"steps": 5})
    assert read_training_log(tmp_path) == {"digits": {"steps": 5}, "faces": {"steps": 4}}
