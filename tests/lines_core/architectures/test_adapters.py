"""Adapters of the real `peft`: the update that LoRA merges into gets lambda; others are refused by name."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from evaluators.encoder.torchvision_operators import declare_missing_operators
from lines_core import line_scaling, recognise
from lines_core.errors import LayerError

declare_missing_operators()
peft: Any = import_module("peft")
transformers: Any = import_module("transformers")

pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Setting `save_embedding_layers` to `True`:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* have invalid shape.*lora_B.bias:UserWarning"),
]

FACTORS = {f"model.layers.{block}.": factor for block, factor in enumerate((0.25, 0.625, 1.0))}
"""Of alpha 0.25 and beta 0.75 over three blocks; 0.25 elsewhere."""


def adapted(config: Any, kind: str = "LlamaForCausalLM") -> Any:
    """A tiny LLaMA of three blocks, always the same, with an adapter of which nothing is zero."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    base = getattr(transformers, kind)(transformers.LlamaConfig(**sizes, mlp_bias=True, vocab_size=20))
    model = peft.get_peft_model(base, config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def saved(model: Any, folder: Path) -> dict[str, Tensor]:
    """The tensors of the adapter's file."""
    model.save_pretrained(folder)
    return load_file(folder / "adapter_model.safetensors")


def merged_update(config: Any, adapter: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the adapter adds to each weight of the model when it is merged."""
    model = adapted(config)
    peft.set_peft_model_state_dict(model, adapter)
    with model.disable_adapter():
        before = {
            name.replace("base_model.model.", "").replace("base_layer.", ""): tensor.clone()
            for name, tensor in model.state_dict().items()
        }
    after = model.merge_and_unload().state_dict()
    return {name: tensor - before[name] for name, tensor in after.items()}


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({"target_modules": ["q_proj", "v_proj"]}, 6),
        ({"target_modules": "all-linear", "use_rslora": True}, 21),
        ({"target_modules": ["down_proj"], "lora_bias": True}, 6),
        ({"target_modules": ["q_proj", "embed_tokens"]}, 4),
    ],
    ids=["attention", "all linear, rank-stabilised", "bias", "embedding"],
)
def test_the_merged_update_gets_lambda(settings: dict[str, Any], weights: int, tmp_path: Path) -> None:
    """Both factors used to be scaled: the update got 0.0625, 0.390625 and 1, the squares of lambda."""
    config = peft.LoraConfig(r=2, lora_alpha=8, **settings)
    adapter = saved(adapted(config), tmp_path)
    scaled = line_scaling(adapter, alpha=0.25, beta=0.75)
    untouched = {name for name in adapter if torch.equal(scaled[name], adapter[name])}
    assert {name for name in adapter if "lora_A" in name or "embedding_A" in name} <= untouched
    full, edited = merged_update(config, adapter), merged_update(config, scaled)
    changed = [name for name, update in full.items() if update.any()]
    assert len(changed) == weights
    for name in changed:
        factor = next((factor for block, factor in FACTORS.items() if name.startswith(block)), 0.25)
        torch.testing.assert_close(edited[name], factor * full[name], rtol=1e-4, atol=1e-6)


def test_a_head_saved_whole_beside_the_factors_is_copied(tmp_path: Path) -> None:
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["score"])
    adapter = saved(adapted(config, "LlamaForSequenceClassification"), tmp_path)
    head = "base_model.model.score.weight"
    found = recognise(adapter)
    assert (found.num_blocks, found.family.key) == (3, "llama")
    assert found.unchanged == {head, *(name for name in adapter if "lora_A" in name)}
    assert torch.equal(line_scaling(adapter, 0.25, 0.75)[head], adapter[head])


@pytest.mark.parametrize(
    "settings", [{"modules_to_save": ["input_layernorm"]}, {"bias": "all"}], ids=["modules", "biases"]
)
def test_whole_weights_inside_a_block_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], **settings)
    with pytest.raises(LayerError, match=r"whole weights beside a LoRA adapter, not updates"):
        line_scaling(saved(adapted(config), tmp_path))


def test_a_model_with_its_adapter_has_the_blocks_of_the_model() -> None:
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"])
    model = adapted(config)
    found = recognise(model.state_dict())
    assert found.num_blocks == 3
    assert found.unchanged == {name for name in found.block if "lora_A" in name}
    blocks = {name: number for name, number in found.block.items() if ".layers." in name}
    assert blocks == {name: int(name.split(".layers.")[1].split(".")[0]) for name in blocks}
    assert {name for name, number in found.block.items() if number is None} == set(found.block) - set(blocks)


def test_a_gap_in_an_adapter_is_refused(tmp_path: Path) -> None:
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], layers_to_transform=[0, 2])
    adapter = saved(adapted(config), tmp_path)
    with pytest.raises(LayerError, match="block 2 follows block 0"):
        recognise(adapter)


@pytest.mark.parametrize(
    ("title", "kind", "settings"),
    [
        ("DoRA", "LoraConfig", {"use_dora": True}),
        ("AdaLoRA", "AdaLoraConfig", {"total_step": 10}),
        ("IA3", "IA3Config", {"feedforward_modules": []}),
        ("LoHa", "LoHaConfig", {}),
        ("LoKr", "LoKrConfig", {}),
        ("VeRA", "VeraConfig", {}),
        ("OFT", "OFTConfig", {"oft_block_size": 4}),
        ("HRA", "HRAConfig", {}),
        ("FourierFT", "FourierFTConfig", {"n_frequency": 4}),
        ("prompt tuning", "PromptTuningConfig", {"num_virtual_tokens": 2, "task_type": "CAUSAL_LM"}),
        (
            "LLaMA-Adapter",
            "AdaptionPromptConfig",
            {"adapter_len": 2, "adapter_layers": 2, "task_type": "CAUSAL_LM"},
        ),
    ],
)
def test_other_adapters_are_refused_by_name(
    title: str, kind: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    if "task_type" not in settings:
        settings = {"target_modules": ["q_proj"], **settings}
    adapter = saved(adapted(getattr(peft, kind)(**settings)), tmp_path)
    with pytest.raises(LayerError, match=f"belongs to {title}: scaling it does not scale the update"):
        line_scaling(adapter)


@pytest.mark.parametrize("factor", ["lora_A", "lora_down.weight"])
def test_names_of_other_programs(factor: str) -> None:
    names = [f"h.{i}.attn.c_attn.{name}" for i in range(2) for name in (factor, "lora_B")]
    if factor == "lora_A":
        assert recognise(names).block == {name: int(name[2]) for name in names}
    else:
        with pytest.raises(LayerError, match="belongs to a LoRA of kohya-ss or diffusers"):
            recognise(names)
