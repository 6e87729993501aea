"""Models of another pre-training, told from a few matrices, and which those are."""

from pathlib import Path

import pytest
import torch

from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.errors import LayerError
from lines_core.large_files.other_pretraining import other_pretraining
from tests.lines_core.large_files.models import finetuning_of, random_model, write_folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_the_other_one_is_named(tmp_path: Path, dtype: torch.dtype) -> None:
    pretrained = random_model(0, dtype)
    base = write_folder(tmp_path / "p", pretrained)
    ordinary = write_folder(tmp_path / "f1", finetuning_of(pretrained, 1, share=0.25), shards=3)
    frozen = write_folder(tmp_path / "f2", pretrained | {"wte.weight": 3 * pretrained["wte.weight"]})
    other = write_folder(tmp_path / "f3", random_model(9, dtype))
    assert other_pretraining(base, [ordinary, frozen]) == ()
    (said,) = other_pretraining(base, [ordinary, other, frozen])
    assert said.startswith("f3: The change is 1")


def test_what_is_not_comparable_is_left_to_the_merge(tmp_path: Path) -> None:
    base = write_folder(tmp_path / "p", random_model(0))
    other = random_model(9)
    lacking = {name: tensor for name, tensor in other.items() if "mlp" not in name}
    wider = {name: torch.cat([tensor, tensor]) for name, tensor in other.items()}
    given = [write_folder(tmp_path / "f1", lacking), write_folder(tmp_path / "f2", wider)]
    assert other_pretraining(base, given) == ()
    with pytest.raises(LayerError):
        other_pretraining(write_folder(tmp_path / "q", {"x": torch.ones(2), "y": torch.ones(2)}), given)


def test_twelve_matrices_are_read_and_the_smallest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = {"mlp.c_fc.weight": (6, 24), "attn.c_attn.weight": (6, 18), "ln_1.bias": (6,)}
    deep = {f"h.{block}.{name}": torch.ones(shape) for block in range(30) for name, shape in shapes.items()}
    base = write_folder(tmp_path / "p", {"wte.weight": torch.ones(2, 2)} | deep)
    read: list[str] = []
    really = WeightFiles.read

    def noted(weights: WeightFiles, name: str) -> torch.Tensor:
        read.append(name)
        return really(weights, name)

    monkeypatch.setattr(WeightFiles, "read", noted)
    assert other_pretraining(base, [base]) == ()
    assert sorted(set(read)) == sorted(f"h.{block}.attn.c_attn.weight" for block in range(0, 30, 3))
