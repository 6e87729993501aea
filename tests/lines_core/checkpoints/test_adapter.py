"""Adapters saved by peft itself, merged as peft merges them; other kinds are refused by their name."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core.checkpoints.adapter import is_adapter, merge_adapter, read_adapter
from lines_core.errors import CheckpointError

declare_missing_operators()  # before peft, which imports torchvision
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers.pytorch_utils import Conv1D  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


class Attention(nn.Module):
    """Layers of every kind that an adapter may change."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.v_proj = nn.Linear(6, 6), nn.Linear(6, 6)
        self.turned = Conv1D(4, 6)  # type: ignore[no-untyped-call]
        self.embed = nn.Embedding(5, 6)
        self.conv = nn.Conv2d(3, 6, 2)
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images).mean(dim=(2, 3)) + self.embed.weight[0]
        result: Tensor = self.head(self.v_proj(self.q_proj(features))) + self.turned(features).sum()
        return result


def trained(folder: Path, **options: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The base weights, and those that peft merges; the adapter with random factors is in the folder."""
    torch.manual_seed(0)
    model = Attention()
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adapted: Any = get_peft_model(model, LoraConfig(**{"r": 2, "lora_alpha": 3, **options}))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(
                    torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(name)))
                )
    adapted.save_pretrained(folder)
    return base, adapted.merge_and_unload().state_dict()


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"target_modules": ["q_proj", "v_proj"]},
    "rank-stabilised": {"target_modules": ["q_proj"], "use_rslora": True},
    "ranks and alphas of their own": {
        "target_modules": ["q_proj", "v_proj"],
        "rank_pattern": {"v_proj": 4},
        "alpha_pattern": {"v_proj": 7},
    },
    "convolution": {"target_modules": ["conv"]},
    "embedding": {"target_modules": ["embed"]},
    "turned": {"target_modules": ["turned"], "fan_in_fan_out": True},
    "biases": {"target_modules": ["q_proj"], "bias": "all"},
    "bias of B": {"target_modules": ["q_proj"], "lora_bias": True},
    "head trained whole": {"target_modules": ["q_proj"], "modules_to_save": ["head"]},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_is_merged_as_peft_merges_it(tmp_path: Path, kind: str) -> None:
    base, expected = trained(tmp_path, **OPTIONS[kind])
    assert is_adapter(tmp_path)
    merged = merge_adapter(base, read_adapter(tmp_path))
    assert merged.keys() == expected.keys()
    changed = [name for name, tensor in expected.items() if not torch.equal(tensor, base[name])]
    assert changed
    for name, tensor in expected.items():
        torch.testing.assert_close(merged[name], tensor, rtol=1e-6, atol=1e-6)
        assert name in changed or torch.equal(merged[name], base[name])


def test_half_precision_is_rounded_once(tmp_path: Path) -> None:
    base, _ = trained(tmp_path, target_modules=["q_proj"])
    adapter = read_adapter(tmp_path)
    half = {name: tensor.bfloat16() for name, tensor in base.items()}
    merged = merge_adapter(half, adapter)
    exact = half["q_proj.weight"].float() + adapter.updates["q_proj"].update()
    assert merged["q_proj.weight"].dtype is torch.bfloat16
    assert torch.equal(merged["q_proj.weight"], exact.bfloat16())


def test_a_fused_attention_is_refused(tmp_path: Path) -> None:
    """peft adds the update of its output layer twice, so that s * B A would be another model."""
    model: nn.Module = nn.ModuleDict({"attn": nn.MultiheadAttention(4, 2)})
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adapted: Any = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, target_modules=["attn"]))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(0))
    adapted.save_pretrained(tmp_path)
    adapter = read_adapter(tmp_path)
    with pytest.raises(CheckpointError, match="changes the joined attention 'attn'"):
        merge_adapter(base, adapter)
    update = adapter.updates["attn.out_proj"].update()
    merged = adapted.merge_and_unload().state_dict()["attn.out_proj.weight"]
    assert torch.equal(merged, base["attn.out_proj.weight"] + update + update), "else it need not be refused"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peft_type": "IA3"}, "is a IA3; only LORA can be merged here"),
        ({"use_dora": True}, "uses use_dora, so it is not"),
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights = pissa_niter_16"),
        ({"alpha_pattern": {"(a+)+$": 3}}, "other patterns than names of modules"),
        ({"lora_alpha": "much"}, "lora_alpha of the adapter is 'much'"),
        ({"lora_alpha": float("nan")}, "expected a number"),
    ],
)
def test_another_update_is_refused_by_its_name(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    trained(tmp_path, target_modules=["q_proj"])
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=words):
        read_adapter(tmp_path)


def test_the_magnitudes_of_dora_are_not_overlooked(tmp_path: Path) -> None:
    trained(tmp_path, target_modules=["q_proj"], use_dora=True)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"use_dora": False}))
    with pytest.raises(CheckpointError, match=r"lora_magnitude_vector.* no part of a LoRA"):
        read_adapter(tmp_path)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    base, _ = trained(tmp_path, target_modules=["q_proj"])
    adapter = read_adapter(tmp_path)
    with pytest.raises(CheckpointError, match=r"changes 'q_proj', which the base model does not have"):
        merge_adapter({"other.weight": torch.ones(6, 6)}, adapter)
    with pytest.raises(CheckpointError, match=r"'q_proj\.weight' is \(6, 6\), the base model's \(5, 6\)"):
        merge_adapter(base | {"q_proj.weight": torch.ones(5, 6)}, adapter)
    weights = safetensors.torch.load_file(tmp_path / "adapter_model.safetensors")
    name = next(name for name in weights if "lora_B" in name)
    safetensors.torch.save_file(weights | {name: torch.ones(6, 5)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(CheckpointError, match="which do not multiply"):
        read_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no adapter_model\.safetensors beside it"):
        read_adapter(tmp_path)
