"""Comparison of a checkpoint with the chosen model: names, shapes, dtypes, finite values."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lines_core.architectures import recognise
from lines_core.errors import CheckpointError, LayerError
from lines_core.untrusted_text import excerpt, first_of

_WEIGHT_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_DAMAGED = "Take a checkpoint from before its training diverged; if float16 overflowed, save in float32."


def compare(
    reference: Mapping[str, Tensor],
    candidate: Mapping[str, Tensor],
    model: str = "pretrained model",
    written: Mapping[str, str] | None = None,
) -> None:
    """Check that a checkpoint fits the chosen model: same names, same shapes, finite weights.

    The floating-point dtype may differ. Reads every weight once.

    Args:
        reference: parameters of the chosen model.
        candidate: tensors of the checkpoint.
        model: what to call the chosen model in the message.
        written: what the checkpoint's file calls a name, where that differs; messages speak of these.
    Raises: CheckpointError that lists missing and unexpected names, wrong shapes and dtypes, NaN and
        infinity, or another number of blocks; its `mismatches` has all of them, the message the first few of
        each kind.
    """
    blocks: list[str] = []
    if candidate.keys() != reference.keys():
        depth, expected_depth = _num_blocks(candidate), _num_blocks(reference)
        if depth is not None and expected_depth is not None and depth != expected_depth:
            blocks = [
                f"{depth} blocks, the chosen {model} has {expected_depth}: pick the model it was made from"
            ]
    written = {name: name for name in (*reference, *candidate)} | dict(written or {})
    missing = [written[name] for name in reference if name not in candidate]
    unexpected = [written[name] for name in candidate if name not in reference]
    shapes, dtypes, values = [], [], []
    for name, tensor in candidate.items():
        if name not in reference:
            continue
        if tensor.shape != reference[name].shape:
            shapes.append(
                f"{written[name]} is {tuple(tensor.shape)}, expected {tuple(reference[name].shape)}"
            )
        elif tensor.dtype not in _WEIGHT_DTYPES:
            dtypes.append(f"{written[name]} is {_short(tensor.dtype)}, expected a floating-point type")
        elif not bool(tensor.isfinite().all()):
            values.append(f"{written[name]} holds NaN or infinity")
    hint = _prefix_hint(reference, candidate) if missing and unexpected else ""
    kinds = {
        "": blocks,
        "missing: ": missing,
        "unexpected: ": unexpected,
        "wrong shape: ": shapes,
        "wrong dtype: ": dtypes,
        "not finite: ": values,
    }
    found = [f"{kind}{first_of(entries)}" for kind, entries in kinds.items() if entries]
    if found:
        said = f"The checkpoint does not fit the chosen {model}: {excerpt('; '.join(found))}.{hint}"
        if not any((blocks, missing, unexpected, shapes, dtypes)):
            said = f"The checkpoint fits the chosen {model}, but {excerpt(first_of(values))}. {_DAMAGED}"
        raise CheckpointError(
            said, tuple(f"{kind}{entry}" for kind, entries in kinds.items() for entry in entries)
        )


def _num_blocks(tensors: Mapping[str, Tensor]) -> int | None:
    """L, or None if the names are unknown."""
    try:
        return recognise(tensors).num_blocks
    except LayerError:
        return None


def _prefix_hint(reference: Mapping[str, Tensor], candidate: Mapping[str, Tensor]) -> str:
    for given, wanted in (("model.", ""), ("module.", ""), ("", "visual."), ("visual.", "")):
        renamed = {wanted + name.removeprefix(given) for name in candidate if name.startswith(given)}
        if renamed == set(reference):
            return f" The names would fit with {wanted!r} in place of the prefix {given!r}."
    return ""


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
