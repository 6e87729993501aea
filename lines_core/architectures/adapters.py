"""Names of adapter files: which weight each LoRA factor belongs to. Other adapters are refused by name.

A LoRA update is the product B A. Scaling both factors by lambda would scale it by lambda squared, so `lora_A`
stays as it is and `lora_B` is scaled: the merged update gets exactly lambda.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names

_WRAPPER = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(?:embedding_)?([AB])(?:\.[^.]+)?(?:\.(?:weight|bias))?")
_WHOLE = re.compile(r"(.+)\.(base_layer|original_module|modules_to_save\.[^.]+)(\..+)")
_OTHERS = {
    "lora_magnitude_vector": "DoRA",
    "lora_E": "AdaLoRA",
    "lora_ranknum": "AdaLoRA",
    "lora_up": "a LoRA of kohya-ss or diffusers",
    "lora_down": "a LoRA of kohya-ss or diffusers",
    "ia3_l": "IA3",
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "vera_lambda": "VeRA",
    "vblora_": "VB-LoRA",
    "randlora_": "RandLoRA",
    "oft_": "OFT",
    "boft_": "BOFT",
    "hra_u": "HRA",
    "bone_": "Bone",
    "miss_": "MiSS",
    "c3a_kernel": "C3A",
    "fourierft_": "FourierFT",
    "shira_": "SHiRA",
    "road_theta": "RoAd",
    "delora_": "DeLoRA",
    "poly_lora": "Poly",
    "trainable_tokens_": "trainable tokens",
    "prompt_embeddings": "prompt tuning",
    "adaption_prompt": "LLaMA-Adapter",
}
_OTHER = re.compile(rf"(?:^|\.)({'|'.join(_OTHERS)})")


@dataclass(frozen=True)
class AdapterNames:
    """What the names of a file are, whether it holds an adapter or not.

    Attributes:
        base: for each name, that of the parameter of the base model that it belongs to.
        factors: the names of LoRA's A, which stay as they are.
        whole: in a file of LoRA's factors without their model, what is saved beside them as whole weights
            (PEFT's `modules_to_save`), which are no updates.
    """

    base: dict[str, str]
    factors: frozenset[str]
    whole: frozenset[str]


def adapter_names(names: Sequence[str]) -> AdapterNames:
    """The parameters that the names belong to; for a file without an adapter the names themselves.

    Raises: LayerError if the file holds an adapter other than LoRA.
    """
    for name in names:
        if other := _OTHER.search(name):
            raise LayerError(
                f"{first_names([name])} belongs to {_OTHERS[other[1]]}: scaling it does not scale the update "
                "by the same factor. Of adapters, only LoRA is scaled as it is; merge this one into its base "
                "first (in PEFT: merge_and_unload)."
            )
    wrapped = all(name.startswith(_WRAPPER) for name in names)
    base = {}
    adapted: dict[str, set[str]] = {"A": set(), "B": set(), "base_layer": set()}
    modules: dict[str, set[str]] = {kind: set() for kind in adapted}
    for name in names:
        plain = name.removeprefix(_WRAPPER) if wrapped else name
        factor, whole = _FACTOR.fullmatch(plain), _WHOLE.fullmatch(plain)
        if factor is not None:
            module, kind, plain = factor[1], factor[2], f"{factor[1]}.weight"
        elif whole is not None:
            module, kind, plain = whole[1], whole[2].partition(".")[0], whole[1] + whole[3]
        if (factor or whole) and kind in adapted:
            adapted[kind].add(name)
            modules[kind].add(module)
        base[name] = plain
    factors = adapted["A"] | adapted["B"]
    rest = set(names) - factors
    complete = modules["B"] <= modules["base_layer"] and rest > adapted["base_layer"]
    whole_weights = rest if factors and not complete else set()
    return AdapterNames(base, frozenset(adapted["A"]), frozenset(whole_weights))
