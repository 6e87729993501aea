"""Zero-shot heads, and heads that are edited along with their encoder."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from evaluators.data.task_list import read_tasks
from evaluators.encoder.classifier_heads import ClassifierHead, edited_head, zero_shot_head
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


@pytest.fixture
def own() -> ClassifierHead:
    generator = torch.Generator().manual_seed(5)
    return ClassifierHead(torch.randn((8, 30), generator=generator), torch.randn(30, generator=generator))


@pytest.fixture
def features() -> Tensor:
    drawn = torch.randn((50, 8), generator=torch.Generator().manual_seed(6))
    return 7.0 * drawn


@pytest.fixture
def zero_shot() -> Tensor:
    columns = torch.randn((8, 30), generator=torch.Generator().manual_seed(7))
    return torch.nn.functional.normalize(columns, dim=0)


def test_at_both_ends_of_the_edit(own: ClassifierHead, features: Tensor, zero_shot: Tensor) -> None:
    assert own.bias is not None
    start = edited_head(zero_shot, 100.0, own, 0.0)
    assert torch.equal(start.predict(features), ClassifierHead(zero_shot).predict(features))
    unit = features / features.norm(dim=1, keepdim=True)
    torch.testing.assert_close(start.logits(features), 100 * unit @ zero_shot)
    end = edited_head(zero_shot, 100.0, own, 1.0)
    assert torch.equal(end.weight, own.weight)
    assert end.bias is not None
    assert torch.equal(end.bias, own.bias)
    torch.testing.assert_close(end.logits(features), unit @ own.weight + own.bias)
    assert not torch.equal(end.predict(features), ClassifierHead(own.weight).predict(features)), (
        "the bias decides some"
    )


def test_in_between_it_is_the_line_of_wise_ft(
    own: ClassifierHead, features: Tensor, zero_shot: Tensor
) -> None:
    ends = [edited_head(zero_shot, 100.0, own, factor).logits(features) for factor in (0.0, 1.0)]
    for factor in (0.3, 0.5, 1.4):
        mixed = edited_head(zero_shot, 100.0, own, factor).logits(features)
        torch.testing.assert_close(mixed, (1 - factor) * ends[0] + factor * ends[1])


def test_some_classes_of_a_head_are_columns_of_its_logits(own: ClassifierHead, features: Tensor) -> None:
    chosen = (3, 4, 11, 29)
    for head in (own, ClassifierHead(own.weight)):
        sliced = head.select_classes(chosen).logits(features)
        torch.testing.assert_close(sliced, head.logits(features)[:, list(chosen)])


def test_a_head_of_other_classes_is_refused(own: ClassifierHead, zero_shot: Tensor) -> None:
    with pytest.raises(LabError, match=r"weight \(8, 30\) and bias \(30,\), expected \(8, 29\) and \(29,\)"):
        edited_head(zero_shot[:, :29], 100.0, own, 0.5)
    with pytest.raises(LabError, match=r"bias None, expected"):
        edited_head(zero_shot, 100.0, ClassifierHead(own.weight), 0.5)
