from pathlib import Path

import pytest
import torch

from evaluators.data.task_list import read_tasks
from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.encoder.open_clip_folder import load_model
from evaluators.errors import LabError


def test_equals_open_clip(lab: Path) -> None:
    import open_clip

    loaded = load_model(lab / "tiny_clip")
    for task in read_tasks(lab / "eval" / "tasks.json"):
        head = zero_shot_head(loaded.clip, loaded.tokenizer, task.classes, task.prompts)
        expected = open_clip.build_zero_shot_classifier(
            loaded.clip, loaded.tokenizer, task.classes, task.prompts, num_classes_per_batch=2
        )
        assert head.shape == (16, len(task.classes))
        torch.testing.assert_close(head, expected, rtol=0, atol=1e-6)


def test_by_hand() -> None:
    """Two prompts at right angles have the mean direction between them; their lengths do not matter."""

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def encode_text(self, texts: torch.Tensor, normalize: bool) -> torch.Tensor:
            return torch.nn.functional.normalize(texts, dim=-1)

    embeddings = {"a x": [3.0, 0.0], "the x": [0.0, 0.5], "a y": [0.0, -2.0], "the y": [0.0, -7.0]}
    head = zero_shot_head(
        Tower(), lambda texts: torch.tensor([embeddings[t] for t in texts]), ("x", "y"), ("a {}", "the {}")
    )
    torch.testing.assert_close(head, torch.tensor([[0.5**0.5, 0.0], [0.5**0.5, -1.0]]))


def test_needs_classes_and_prompts(lab: Path) -> None:
    loaded = load_model(lab / "tiny_clip")
    with pytest.raises(LabError, match="got 0 and 1"):
        zero_shot_head(loaded.clip, loaded.tokenizer, (), ("a {}",))
    with pytest.raises(LabError, match="got 1 and 0"):
        zero_shot_head(loaded.clip, loaded.tokenizer, ("x",), ())
