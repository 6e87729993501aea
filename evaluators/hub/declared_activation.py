"""Activation of a CLIP's blocks, as the configuration beside its weights declares it.

Weights of one fit a model of the other without any error, and give wrong features: OpenAI's CLIP has
QuickGELU, nearly all others GELU.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted

CONFIGS = ("open_clip_config.json", "config.json")
"""In the order in which they are asked."""
MOST_CONFIG_BYTES = 1 << 20
QUICK, PLAIN = "QuickGELU", "GELU"
_TRANSFORMERS_DEFAULT = "quick_gelu"
_NAMES = {"quick_gelu": QUICK, "gelu": PLAIN}


@dataclass(frozen=True)
class DeclaredActivation:
    """What a configuration says.

    Attributes:
        file: its name.
        activation: `QUICK`, `PLAIN` or another function's name; empty if it does not say.
    """

    file: str
    activation: str


def declared_activation(file: str, text: str) -> DeclaredActivation:
    """The activation that a configuration declares for the image tower.

    Args:
        file: name of the configuration, in `CONFIGS`.
        text: its content, which is not trusted.
    Source: open_clip 3.3.0, ``quick_gelu`` of `CLIP`; transformers 5, `CLIPVisionConfig.hidden_act`.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        return DeclaredActivation(file, "")
    if file == CONFIGS[0]:
        model = config.get("model_cfg", config)
        return DeclaredActivation(file, _open_clip(model) if isinstance(model, dict) else "")
    kind = config.get("model_type")
    tower = config.get("vision_config", {}) if kind == "clip" else config
    if kind not in ("clip", "clip_vision_model") or not isinstance(tower, dict):
        return DeclaredActivation(file, "")
    given = tower.get("hidden_act", _TRANSFORMERS_DEFAULT)
    return DeclaredActivation(file, _NAMES.get(given, quoted(given)) if isinstance(given, str) else "")


def declared_in(model: Path) -> DeclaredActivation | None:
    """What the configuration in an unpacked folder says; None for a file, or without a configuration."""
    for file in CONFIGS:
        config = model / file
        if config.is_file() and config.stat().st_size <= MOST_CONFIG_BYTES:
            return declared_activation(file, config.read_text("utf-8", "replace"))
    return None


def _open_clip(model: dict[str, Any]) -> str:
    tower = model.get("vision_cfg")
    if not isinstance(tower, dict) or "timm_model_name" in tower:
        return ""
    return QUICK if model.get("quick_gelu") is True else PLAIN


def activation_of(tower: nn.Module) -> str:
    """The activation that an image tower computes with."""
    return QUICK if any(type(module).__name__ == QUICK for module in tower.modules()) else PLAIN


def check_activation(declared: DeclaredActivation | None, model: str, activation: str) -> str:
    """A sentence on where the activation comes from.

    Args:
        declared: None without a configuration.
        model: title of the chosen encoder.
        activation: that it computes with.
    Raises: CheckpointError if the configuration contradicts the encoder.
    """
    if declared is None or not declared.activation:
        source = "a file of weights" if declared is None else declared.file
        return f"Activation: {activation} is assumed, as {model} has it; {source} does not say."
    if declared.activation != activation:
        raise CheckpointError(
            f"{declared.file} beside the weights says {declared.activation}, but {model} computes with "
            f"{activation}, so this was fine-tuned from another pre-trained model, and its features would be "
            f"wrong here. If you know that it began from {model}, download the weights and add them as a "
            f"file: then {activation} is assumed."
        )
    return f"Activation: {activation}, as {declared.file} says."
