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
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.[^.]+)?(?:\.(?:weight|bias))?")
_WHOLE = re.compile(r"(.+)\.(?:base_layer|original_module|modules_to_save\.[^.]+)(\..+)")
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
    "prompt_encoder": "prompt tuning",
    "adaption_prompt": "LLaMA-Adapter",
}


@dataclass(frozen=True)
class AdapterNames:
    """What the names of a file are, whether it holds an adapter or not.

    Attributes:
        base: for each name, that of the parameter of the base model that it belongs to.
        factors: the names of LoRA's A, which stay as they are.
        updates: the names of LoRA's B.
        whole: in a file with LoRA's factors alone, the parameters saved beside them as whole weights
            (PEFT's `modules_to_save`), which are no updates.
    """

    base: dict[str, str]
    factors: frozenset[str]
    updates: frozenset[str]
    whole: frozenset[str]


def adapter_names(names: Sequence[str]) -> AdapterNames:
    """The parameters that the names belong to; for a file without an adapter the names themselves.

    Raises: LayerError if the file holds an adapter other than LoRA.
    """
    for name in names:
        for part in name.split("."):
            kind = next((kind for mark, kind in _OTHERS.items() if part.startswith(mark)), None)
            if kind is not None:
                raise LayerError(
                    f"{first_names([name])} belongs to {kind}: scaling it does not scale the update by the "
                    "same factor. Of adapters, only LoRA is scaled as it is; merge this one into its base "
                    "first (in PEFT: merge_and_unload)."
                )
    wrapped = all(name.startswith(_WRAPPER) for name in names)
    base: dict[str, str] = {}
    factors: set[str] = set()
    updates: set[str] = set()
    based = False
    for name in names:
        plain = name.removeprefix(_WRAPPER) if wrapped else name
        factor, whole = _FACTOR.fullmatch(plain), _WHOLE.fullmatch(plain)
        if factor is not None:
            (factors if factor[3] == "A" else updates).add(name)
            plain = factor[1] + ".weight"
        elif whole is not None:
            based = based or ".base_layer." in plain
            plain = whole[1] + whole[2]
        base[name] = plain
    saved_whole = set(names) - factors - updates if updates and not based else set()
    return AdapterNames(base, frozenset(factors), frozenset(updates), frozenset(saved_whole))
