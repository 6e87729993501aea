"""Low-rank adapters of PEFT, merged into the weights that they were trained on.

    W = W_0 + s * B A,    s = alpha / r, or alpha / sqrt(r) with rsLoRA

Source: peft 0.21, ``tuners/lora/layer.py:get_delta_weight`` and ``merge``; tests compare with it.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from lines_core.checkpoints.contents import open_checkpoint
from lines_core.checkpoints.limits import MAX_BYTES, damaged
from lines_core.checkpoints.opening import opened
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names, quoted

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_MAX_CONFIG = 1 << 20
_BEFORE = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.[A-Za-z0-9_-]+?)??(?:\.(weight|bias))?")
_REFUSED = (
    "use_dora use_qalora use_bdlora megatron_config layer_replication target_parameters "
    "trainable_token_indices alora_invocation_tokens arrow_config kasa_config velora_config monteclora_config"
).split()
"""Options that make the update another one than s * B A."""
_MOVED = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Starts that change the base weights: the update does not belong to those of the original model."""
_NAMES_ONLY = re.compile(r"[A-Za-z0-9_.]{1,200}")


@dataclass(frozen=True)
class LowRank:
    """The update of one weight. Its product is taken in fp32.

    Args:
        a: (r, ...) factor A, or (r, entries) of an embedding.
        b: (out, r) factor B; of a convolution (out, r, 1, 1).
        scale: s.
        turned: whether the weight is stored (in, out): GPT-2's layers and embeddings.
        bias: (out,) of B, None without.
    """

    a: Tensor
    b: Tensor
    scale: float
    turned: bool = False
    bias: Tensor | None = None

    def update(self) -> Tensor:
        """s * B A in fp32, in the shape of the weight."""
        product = self.scale * (self.b.float().flatten(1) @ self.a.float().flatten(1))
        shaped = product.view(self.b.shape[0], *self.a.shape[1:])
        return shaped.T if self.turned else shaped


@dataclass(frozen=True)
class Adapter:
    """An adapter as its files describe it.

    Args:
        updates: by the module whose weight they change, as ``model.layers.0.self_attn.q_proj``.
        replaced: whole weights by name: ``modules_to_save``, and biases that were trained.
    """

    updates: Mapping[str, LowRank]
    replaced: Mapping[str, Tensor]

    def renamed(self, names: Mapping[str, str]) -> "Adapter":
        """Only the modules and weights in ``names``, under the names given there."""
        return Adapter(
            {names[name]: one for name, one in self.updates.items() if name in names},
            {names[name]: one for name, one in self.replaced.items() if name in names},
        )


def is_adapter(path: str | os.PathLike[str]) -> bool:
    """Whether this is a folder with the configuration of an adapter."""
    return os.path.isfile(Path(path) / CONFIG)


def read_adapter(folder: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Adapter:
    """The adapter in a folder that PEFT saved: ``adapter_config.json`` and ``adapter_model.safetensors``.

    Raises: CheckpointError if a file is absent or damaged, or if the update is another than s * B A (DoRA and
        other kinds, by their name).
    """
    config = _read_config(Path(folder) / CONFIG)
    found = [Path(folder, name) for name in WEIGHTS if Path(folder, name).is_file()]
    if not found:
        raise CheckpointError(f"The adapter has {CONFIG}, but no {WEIGHTS[0]} beside it. Fetch that too.")
    factors: dict[str, dict[str, Tensor]] = {}
    replaced: dict[str, Tensor] = {}
    for name, tensor in open_checkpoint(found[0], max_bytes=max_bytes).tensors().items():
        plain = name.removeprefix(_BEFORE).replace(".base_layer.", ".")
        match = _FACTOR.fullmatch(plain)
        if match:
            module, embedding, letter, kind = match.groups()
            part = f"{letter} bias" if kind == "bias" else f"{embedding or ''}{letter}"
            factors.setdefault(module, {})[part] = tensor
        elif "lora_" in plain:
            raise CheckpointError(
                f"The adapter has {quoted(name)}, which is no part of a LoRA that can be merged exactly."
            )
        else:
            replaced[re.sub(r"\.modules_to_save(\.default)?\.", ".", plain)] = tensor
    return Adapter({module: _low_rank(module, parts, config) for module, parts in factors.items()}, replaced)


def merge_adapter(base: Mapping[str, Tensor], adapter: Adapter) -> dict[str, Tensor]:
    """The base weights with the adapter in them, each changed one computed in fp32 and rounded once.

    An attention with one joined weight (``in_proj_weight``) is refused: peft 0.21 adds the update of its
    output layer twice, in training and in merging, so that its result is not s * B A.

    Args:
        base: the weights that the adapter was trained on, by the names of its modules.
    Raises: CheckpointError if a module is not in the base, or its shape is another. Nothing is changed then.
    """
    fused = [module for module in adapter.updates if f"{module}.in_proj_weight" in base]
    if fused:
        raise CheckpointError(
            f"The adapter changes the joined attention {first_names(fused)}, which peft updates in a way of "
            "its own. Merge it with peft (merge_and_unload) and give the merged model."
        )
    absent = [module for module in adapter.updates if f"{module}.weight" not in base]
    if absent:
        raise CheckpointError(
            f"The adapter changes {first_names(absent)}, which the base model does not have: pick the model "
            "it was trained on."
        )
    merged = dict(base)
    for module, update in adapter.updates.items():
        for name, change in ((f"{module}.weight", update.update()), (f"{module}.bias", update.bias)):
            if change is None:
                continue
            own = base.get(name)
            if own is None or own.shape != change.shape:
                has = "none" if own is None else f"{tuple(own.shape)}"
                raise CheckpointError(
                    f"The adapter's update of {quoted(name)} is {tuple(change.shape)}, the base model's "
                    f"{has}: pick the model it was trained on."
                )
            merged[name] = (own.float() + change).to(own.dtype)
    return merged | dict(adapter.replaced)


def _read_config(path: Path) -> dict[str, Any]:
    with opened(path, _MAX_CONFIG) as stream:
        try:
            config = json.loads(stream.read().decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise damaged(CONFIG, f"it is no JSON ({error})") from error
    if not isinstance(config, dict):
        raise damaged(CONFIG, "it is not a table of options")
    kind = config.get("peft_type")
    if kind != "LORA":
        raise CheckpointError(f"The adapter is a {quoted(kind)[1:-1]}; only LORA can be merged here.")
    refused = [name for name in _REFUSED if config.get(name)]
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_MOVED):
        refused.append(f"init_lora_weights = {quoted(start)[1:-1]}")
    if refused:
        raise CheckpointError(
            f"The adapter uses {', '.join(refused)}, so it is not s * B A on the original weights. Merge "
            "it with peft (merge_and_unload) and give the merged model."
        )
    return config


def _low_rank(module: str, parts: Mapping[str, Tensor], config: Mapping[str, Any]) -> LowRank:
    embedding = "embedding_A" in parts
    prefix = "embedding_" if embedding else ""
    a, b = parts.get(f"{prefix}A"), parts.get(f"{prefix}B")
    known = {f"{prefix}A", f"{prefix}B", "B bias"}
    if a is None or b is None or not parts.keys() <= known:
        raise CheckpointError(f"The adapter's factors of {quoted(module)} are {first_names(list(parts))}.")
    rank = a.shape[0] if a.ndim else 0
    ones = all(size == 1 for size in b.shape[2:])
    if a.ndim < 2 or b.ndim < 2 or b.shape[1] != rank or not ones or (embedding and a.ndim != 2):
        raise CheckpointError(
            f"The adapter's factors of {quoted(module)} have shapes {tuple(a.shape)} and {tuple(b.shape)}, "
            "which do not multiply."
        )
    alpha = _alpha(module, config)
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    turned = embedding or bool(config.get("fan_in_fan_out"))
    one = LowRank(a, b, scale, turned and a.ndim == 2)
    return replace(one, bias=scale * parts["B bias"].float()) if "B bias" in parts else one


def _alpha(module: str, config: Mapping[str, Any]) -> float:
    """alpha of a module: of the first pattern that its name ends with, else the general one."""
    patterns = config.get("alpha_pattern") or {}
    if not isinstance(patterns, dict) or not all(map(_NAMES_ONLY.fullmatch, patterns)):
        raise CheckpointError(
            "alpha_pattern of the adapter holds other patterns than names of modules. Merge it with peft "
            "(merge_and_unload) and give the merged model."
        )
    fits = (value for name, value in patterns.items() if f".{module}".endswith(f".{name}"))
    alpha = next(fits, config.get("lora_alpha", 8))
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise CheckpointError(f"lora_alpha of the adapter is {quoted(alpha)}, expected a number.")
    return float(alpha)
