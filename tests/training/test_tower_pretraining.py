"""An image tower trained against a CLIP that stays as it is."""

from dataclasses import replace
from pathlib import Path

import torch

from tests.training.test_training import small_web
from training.tiny_clip_model import fresh_model
from training.tower_pretraining import TowerConfig, pretrain_tower

CONFIG = TowerConfig(steps=4, batch=4, warmup=2, decay=0.0, seed=3, families=2, small=0.0)


def test_a_resumed_training_equals_one_that_never_stopped(tmp_path: Path) -> None:
    teacher = fresh_model(1).eval()
    list(pretrain_tower(small_web(), teacher, CONFIG, tmp_path / "straight.pt"))
    list(pretrain_tower(small_web(), teacher, replace(CONFIG, steps=2), tmp_path / "resumed.pt"))
    list(pretrain_tower(small_web(), teacher, CONFIG, tmp_path / "resumed.pt"))
    resumed = torch.load(tmp_path / "resumed.pt", weights_only=True)["model"]
    straight = torch.load(tmp_path / "straight.pt", weights_only=True)["model"]
    for name, tensor in straight.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=0, atol=0)
    for name, tensor in teacher.state_dict().items():
        if not name.startswith("visual."):
            torch.testing.assert_close(straight[name], tensor, rtol=0, atol=0)


def test_the_first_steps_see_smaller_images() -> None:
    config = replace(CONFIG, small=0.5)
    sizes = [config.sized(torch.zeros(1, 3, 48, 48), step).shape[-1] for step in range(4)]
    assert sizes == [32, 32, 48, 48]
