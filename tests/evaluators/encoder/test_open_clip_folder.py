"""Describing and loading a CLIP folder, and refusing damaged ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evaluators.encoder.open_clip_folder import TOWER, load_model, read_tower_info
from evaluators.encoder.torchvision_operators import _declared, declare_missing_operators
from evaluators.errors import LabError


@pytest.fixture
def model(lab: Path, tmp_path: Path) -> Path:
    """A copy of the model that a test may damage."""
    return Path(shutil.copytree(lab / "tiny_clip", tmp_path / "model"))


def test_weights_are_those_of_the_file(lab: Path) -> None:
    loaded = load_model(lab / "tiny_clip")
    stored = load_file(lab / "tiny_clip" / "open_clip_model.safetensors")
    state = loaded.clip.state_dict()
    assert state.keys() == stored.keys()
    for name, value in stored.items():
        assert state[name].dtype == torch.float32
        assert torch.equal(state[name], value.float())
    assert not loaded.clip.training
    assert loaded.tokenizer(["an image"]).shape == (1, 16)


def test_a_tower_is_described_without_loading_it(lab: Path) -> None:
    tower = read_tower_info(lab / "tiny_clip")
    named = dict(load_model(lab / "tiny_clip").clip.named_parameters())
    assert tower.parameters == sum(value.numel() for name, value in named.items() if name.startswith(TOWER))
    assert tower.num_blocks == 4
    assert (tower.image_size, tower.mean, tower.std) == (24, (0.5, 0.4, 0.6), (0.5, 0.25, 0.3))


@pytest.mark.parametrize("read", [load_model, read_tower_info])
@pytest.mark.parametrize(
    "name", ["open_clip_config.json", "open_clip_model.safetensors", "bpe_merges.txt.gz"]
)
def test_absent_files_are_named(model: Path, name: str, read: Callable[[Path], object]) -> None:
    """Without weights open_clip would only log a warning and hand out random ones."""
    (model / name).unlink()
    with pytest.raises(LabError, match=f"{name} is absent"):
        read(model)


def test_damaged_and_mismatched_files_are_refused(model: Path) -> None:
    config = json.loads((model / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["layers"] = 5
    (model / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(LabError, match=r"(?s)open_clip cannot load .*resblocks\.4"):
        load_model(model)
    (model / "open_clip_config.json").write_text("{}")
    with pytest.raises(LabError, match="is not an open_clip configuration: KeyError"):
        load_model(model)


def test_truncated_weights_are_refused(model: Path) -> None:
    weights = model / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(LabError, match="open_clip cannot load"):
        load_model(model)
    with pytest.raises(LabError, match=r"open_clip_model\.safetensors .* is damaged"):
        read_tower_info(model)


def test_merges_of_another_training_are_refused(model: Path) -> None:
    """A vocabulary of another size gives every prompt other token numbers, and no error by itself."""
    import gzip

    path = model / "bpe_merges.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    path.write_bytes(gzip.compress("\n".join(lines[:-10]).encode()))
    with pytest.raises(LabError, match="makes 804 tokens, the text tower has 814"):
        load_model(model)


def test_operators_are_declared_only_where_there_are_none(lab: Path) -> None:
    """A CUDA torchvision beside a CPU torch fails at import; declared operators must not shadow real ones."""
    load_model(lab / "tiny_clip")
    from torchvision.extension import _has_ops

    declare_missing_operators()
    assert hasattr(torch.ops.torchvision, "nms")
    assert bool(_declared) != _has_ops()
