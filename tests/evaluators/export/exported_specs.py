"""Edits that the tests of exports write, and what the live model carries for them."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.export import LAYOUTS, Exported
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec

Tensors = dict[str, Tensor]
Write = Callable[..., Exported]

SPECS = {
    "gamma 0": EditSpec.lines("digits", 0.0),
    "gamma 0.4": EditSpec.lines("digits", 0.4),
    "pre-trained": EditSpec.pretrained("digits"),
    "fine-tuned": EditSpec.finetuned("faces"),
    "flat, mixed": EditSpec(checkpoint="faces", shape="flat", alpha=0.7, mix=0.3),
    "reverse": EditSpec.lines("digits", 0.25, shape="reverse", outside="depth"),
    "quadratic": EditSpec.lines("objects", 0.1, shape="quadratic", outside="finetuned"),
    "tiny": EditSpec(checkpoint="digits", alpha=1e-7, beta=3e-9, outside="pretrained"),
    "by hand": EditSpec(
        checkpoint="digits", shape="free", alpha=0.5, free_form=(0.0, 2.0, -1.0, 1.0), mix=0.9
    ),
    "sum": EditSpec.merged(MergeSpec(("faces", "digits")), 0.3, 0.2),
    "average": EditSpec.merged(MergeSpec(("faces", "digits"), "average"), 0.5, 0.5),
    "weighted": EditSpec.merged(MergeSpec(("faces", "digits"), weights=(0.5, -2.0)), 0.5, 0.5),
    "ties": EditSpec.merged(MergeSpec(("faces", "digits"), "ties"), 0.4, 0.4),
}
every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def carried(studio: Studio, spec: EditSpec) -> Tensors:
    """The live model's image tower while it carries the spec."""
    studio.lab.encoder.write_edit(spec.merge or spec.checkpoint, spec.scales(4))
    named = studio.lab.encoder.loaded.clip.named_parameters()
    return {name: value.detach().clone() for name, value in named if name.startswith("visual.")}


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def images() -> Tensor:
    return torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(3))


def parsed(text: str) -> Any:
    """With PyYAML, which huggingface_hub brings along."""
    return importlib.import_module("yaml").safe_load(text)


def weight_of(name: str, setting: Any) -> float:
    """The value mergekit takes for a parameter: of the first entry whose filter is in its name."""
    for entry in setting:
        if entry["filter"] in name:
            value = entry["value"]
            assert isinstance(value, float)
            return value
    raise AssertionError(f"no coefficient for {name}")
