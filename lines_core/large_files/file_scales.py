"""Factor of each parameter's update, for a whole model on disk."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from lines_core.architectures import recognise
from lines_core.architectures.adapters import adapter_names
from lines_core.checkpoints.limits import label_of
from lines_core.checkpoints.opening import opened
from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.editing import outside_scales
from lines_core.errors import CheckpointError
from lines_core.packed import refuse_packed
from lines_core.schedules import coefficients
from lines_core.untrusted_text import first_names

_MOST_CONFIG = 16 << 20
"""Bytes of an adapter's configuration; that of PEFT has 1 kB."""


@dataclass(frozen=True)
class FileScales:
    """Factors by name.

    Attributes:
        by_name: of each parameter; the others are copied.
        unchanged: names that are copied because of what they are, in both models.
        family: title of the architecture.
        part: the stack whose blocks are counted; empty if there is only one.
        num_blocks: L.
    """

    by_name: Mapping[str, float]
    unchanged: frozenset[str]
    family: str
    part: str
    num_blocks: int

    def of(self, name: str) -> float | None:
        """Factor of a parameter; None if it is copied."""
        return self.by_name.get(name)


def file_scales(
    weights: WeightFiles,
    alpha: float,
    beta: float,
    *,
    shape: str,
    outside: str,
    part: str | None,
    copied: Collection[str] = (),
) -> FileScales:
    """The schedule's factors by name. Integers, such as counters and masks, have none.

    Args:
        alpha, beta, shape: as in `coefficients`.
        outside: key of `OUTSIDE_RULES`.
        part: as in `recognise`.
        copied: names without a factor, whatever they are; they need not be of the architecture.
    Raises: LayerError as `recognise`; ScheduleError and EditError for the settings; CheckpointError for a
        packed residual, or a model whose matrices are integers.
    """
    refuse_packed(weights.names, label_of(weights.path))
    model = recognise([name for name in weights.names if name not in copied], part=part)
    scales = coefficients(shape, alpha, beta, model.num_blocks)
    before, after = outside_scales(outside, alpha, scales)
    values = scales.tolist()
    integers = {name for name, entry in weights.entries.items() if not entry.dtype.is_floating_point}
    unchanged = model.unchanged | {name for name in weights.names if name in copied}
    quantised = [
        name
        for name in sorted(integers - unchanged)
        if len(weights.entries[name].shape) > 1 and weights.entries[name].dtype is not torch.bool
    ]
    if quantised:
        raise CheckpointError(
            f"{label_of(weights.path)} is quantised: {first_names(quantised)} are integers. Take the weights "
            "from before that, in floating point."
        )
    by_name = {
        name: (after if name in model.after else before) if block is None else values[block]
        for name, block in model.block.items()
        if name not in unchanged and name not in integers
    }
    return FileScales(by_name, unchanged, model.family.title, model.part, model.num_blocks)


def line_recipe(
    scales: FileScales, alpha: float | None, beta: float, shape: str, outside: str
) -> dict[str, object]:
    """What a recipe says of the schedule and of the blocks that it was laid over."""
    return {
        "alpha": alpha,
        "beta": beta,
        "shape": shape,
        "outside": outside,
        "architecture": scales.family,
        "part": scales.part,
        "num_blocks": scales.num_blocks,
    }


def check_kind(weights: WeightFiles, scales: FileScales, alone: bool) -> None:
    """Raises: CheckpointError unless weights alone are an adapter's, and others a model's."""
    factors = adapter_names(weights.names).factors
    adapter = bool(factors) and all(".lora_" in name for name in scales.by_name)
    label = label_of(weights.path)
    if alone and not adapter:
        raise CheckpointError(f"{label} is no LoRA adapter: name the pre-trained model that it started from.")
    if not alone and adapter:
        raise CheckpointError(f"{label} is a LoRA adapter, an update by itself: name no pre-trained model.")
    if alone and _some_layers(weights.folder / "adapter_config.json"):
        raise CheckpointError(
            f"{label} may change some layers only (by its adapter_config.json), so the number of blocks is "
            "not known: merge it into its base first (in PEFT: merge_and_unload), and name the base as the "
            "pre-trained model."
        )


def _some_layers(config: Path) -> bool:
    """Whether the configuration of an adapter may restrict it to some layers; False without one.

    PEFT takes text in target_modules for a regular expression, and a number in a module's name for a layer.
    """
    if not config.is_file():
        return False
    with opened(config, _MOST_CONFIG) as stream:
        try:
            content = json.loads(stream.read().decode("utf-8"))
        except (ValueError, RecursionError):
            return False  # nothing is read from it but this
    if not isinstance(content, dict):
        return False
    modules = content.get("target_modules")
    whole_names = isinstance(modules, list) and not re.search(r"(?<![^. ])[0-9]", " ".join(map(str, modules)))
    restricted = any(content.get(key) for key in ("layers_to_transform", "exclude_modules"))
    return restricted or not (modules in (None, "all-linear") or whole_names)
