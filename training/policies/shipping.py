"""Weights of the language model and its policies as they ship: half precision, LoRA's factors, four bits."""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor
from transformers import LlamaForCausalLM

from evaluators.policies.live_llama import CONFIG, WEIGHTS_FILE
from lines_core import save_checkpoint
from lines_core.packed import pack_four_bit, pack_low_rank, save_packed
from training.policies.supervised import CONFIG as MODEL_CONFIG

_PREFIX, _A, _B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


def ship_model(model: LlamaForCausalLM, folder: Path) -> None:
    """The supervised model with its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(MODEL_CONFIG, indent=1) + "\n", encoding="utf-8")
    named = {name: value.detach().half().contiguous() for name, value in model.named_parameters()}
    save_checkpoint(folder / WEIGHTS_FILE, named, {"format": "pt"})


def ship_policy(adapter: Path, path: Path) -> None:
    """The update of a policy from PEFT's adapter folder; B holds LoRA's scale alpha / r.

    Of a high rank, the product in four bits is smaller than its factors, and takes their place.
    """
    settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    scale = settings["lora_alpha"] / settings["r"]
    factors = load_file(adapter / "adapter_model.safetensors")
    packed: dict[str, Tensor] = {}
    for name, a in factors.items():
        if name.endswith(_A):
            module = name.removeprefix(_PREFIX).removesuffix(_A)
            b = scale * factors[f"{_PREFIX}{module}{_B}"]
            forms = [pack_low_rank(f"{module}.weight", b, a), pack_four_bit(f"{module}.weight", b @ a)]
            smallest = min(forms, key=lambda form: sum(part.nbytes for part in form.values()))
            packed |= smallest
    save_packed(path, packed, {"policy": path.stem})
