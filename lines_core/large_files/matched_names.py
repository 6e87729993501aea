"""Which tensor of one model is which of another: by name, tied weights found by their values."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

import torch

from lines_core.architectures.adapters import adapter_names
from lines_core.checkpoints.limits import label_of
from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.errors import CheckpointError
from lines_core.packed import refuse_packed
from lines_core.untrusted_text import first_names, quoted

_TOWERS = ("visual.", "vision_model.")
"""Prefixes of an image tower in a CLIP."""
_MOST_TIED = 8
"""Names on one side only that are compared with others; more of them are another model."""
_LAYER_NORM = re.compile(r"((?:^|\.)LayerNorm\.)(gamma|beta)$")
"""How BERT's first checkpoints call the weights of LayerNorm; transformers renames them on loading."""


def matched_names(
    reference: WeightFiles, other: WeightFiles, unchanged: Collection[str] = ()
) -> dict[str, str]:
    """For each name of the reference, the name under which the other has that weight.

    A tied weight, such as an output layer that is the embedding, may be written on one side only: it then
    stands for the tensor on its own side that is equal to it bit for bit. Tensors of one value throughout,
    such as fresh biases, are equal by chance and no sign of it. A reference that is an image tower alone
    leaves the rest of a whole CLIP aside. Names that differ in one prefix throughout, such as a bare BERT and
    the ``bert.`` of one with a head, or in the ``gamma`` and ``beta`` of an old LayerNorm, are the same.

    Args:
        unchanged: names that are copied from the reference, so the other side need not have them.
    Raises: CheckpointError if a name is on one side only and not tied there, shapes differ, or one side has
        integers.
    Cost: no weights are read, but for names on one side only.
    """
    sides = f"{label_of(reference.path)} and {label_of(other.path)}"
    matched = _same_names(reference, other)
    taken = set(matched.values())
    surplus = [name for name in other if name not in taken and name not in unchanged]
    if all(name.startswith(_TOWERS) for name in reference):
        surplus = [name for name in surplus if name.startswith(_TOWERS)]
    lacking = [name for name in reference if name not in matched and name not in unchanged]
    if len(lacking) + len(surplus) <= _MOST_TIED:
        twins = {name: _twin(reference, name, tuple(matched)) for name in lacking}
        surplus = [name for name in surplus if _twin(other, name, tuple(taken)) is None]
        matched |= {name: matched[twin] for name, twin in twins.items() if twin is not None}
        lacking = [name for name in lacking if twins[name] is None]
    if lacking or surplus:
        refuse_packed(other.names, label_of(other.path))
        _refuse_adapter(reference, other)
        only = [
            (first_names(names), side) for names, side in ((lacking, reference), (surplus, other)) if names
        ]
        what = "; ".join(f"only {label_of(side.path)} has {names}" for names, side in only)
        raise CheckpointError(
            f"{sides} are not of one model: {what}. Give the model that the fine-tuning started from; "
            "a head that it added is left aside if --copy names it."
        )
    wrong = [name for name, source in matched.items() if _differ(reference, name, other, source, unchanged)]
    if wrong:
        name = wrong[0]
        here, there = reference.entries[name], other.entries[matched[name]]
        more = f", and {len(wrong) - 1} more names" if len(wrong) > 1 else ""
        raise CheckpointError(
            f"{sides} differ in {quoted(name)}: {_short(here.dtype)} {list(here.shape)} and "
            f"{_short(there.dtype)} {list(there.shape)}{more}. Give the model that the fine-tuning started "
            "from; one with added tokens fits only what has them too."
        )
    return matched


def named_by(beginnings: Sequence[str], models: Sequence[WeightFiles]) -> frozenset[str]:
    """Names of the models that are one of the given ones, or begin with one and a dot.

    Raises: CheckpointError if the first model has none for one of them, and neither have the others.
    """
    found: set[str] = set()
    for beginning in beginnings:
        those = {name for model in models for name in model if is_named(name, [beginning])}
        if not those:
            raise CheckpointError(
                f"{label_of(models[0].path)} has no parameter {quoted(beginning)} to copy, nor one whose "
                "name begins with it and a dot."
            )
        found |= those
    return frozenset(found)


def is_named(name: str, beginnings: Sequence[str]) -> bool:
    """Whether a name is one of the given ones, or begins with one and a dot."""
    return any(f"{name}.".startswith(f"{one.rstrip('.')}.") for one in beginnings)


def _same_names(reference: WeightFiles, other: WeightFiles) -> dict[str, str]:
    """Names that are the same on both sides, without the prefix whose absence matches most of them."""
    best = {name: name for name in reference if name in other}
    counts = [Counter(name.partition(".")[0] for name in side) for side in (reference, other)]
    usual = {first: None for count in counts for first, number in count.items() if 2 * number > count.total()}
    for prefix in ("", *(f"{first}." for first in usual)):
        here, there = (
            {_LAYER_NORM.sub(_new_spelling, name.removeprefix(prefix)): name for name in side}
            for side in (reference, other)
        )
        if len(here) == len(reference) and len(there) == len(other):
            found = {name: there[plain] for plain, name in here.items() if plain in there}
            best = max(best, found, key=len)
    return best


def _new_spelling(old: re.Match[str]) -> str:
    return old[1] + {"gamma": "weight", "beta": "bias"}[old[2]]


def _refuse_adapter(first: WeightFiles, second: WeightFiles) -> None:
    """Raises: CheckpointError if one of two models is a LoRA adapter, LayerError if it is another adapter."""
    adapters = [side for side in (first, second) if adapter_names(side.names).factors]
    if len(adapters) == 1:
        whole = second if adapters[0] is first else first
        raise CheckpointError(
            f"{label_of(adapters[0].path)} is a LoRA adapter and {label_of(whole.path)} a whole model: merge "
            "the adapter into its base first (in PEFT: merge_and_unload)."
        )


def _twin(weights: WeightFiles, name: str, among: Collection[str]) -> str | None:
    """Another tensor of the same model, one of ``among``, with the same values."""
    entry = weights.entries[name]
    alike = [
        twin
        for twin in among
        if twin != name
        and twin in weights
        and (weights.entries[twin].dtype, weights.entries[twin].shape) == (entry.dtype, entry.shape)
    ]
    if not alike:
        return None
    tensor = weights[name]
    flat = tensor.flatten()
    if bool(flat.eq(flat[:1]).all()):
        return None
    return next((twin for twin in alike if torch.equal(weights[twin], tensor)), None)


def _differ(
    reference: WeightFiles, name: str, other: WeightFiles, source: str, unchanged: Collection[str]
) -> bool:
    here, there = reference.entries[name], other.entries[source]
    if name in unchanged:
        return False
    return here.shape != there.shape or here.dtype.is_floating_point != there.dtype.is_floating_point


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
