"""A fine-tuned classifier head edited along with its encoder."""

import pytest
import torch
from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead, edited_head
from evaluators.errors import LabError


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
