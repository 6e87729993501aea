"""Compressed residuals: matrices as low-rank factors or in four bits, everything else in half precision.

The loss of accuracy is measured in `assets/REPORT.md`.
"""

import os
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lines_core.checkpoints import read_checkpoint, read_metadata, save_checkpoint
from lines_core.errors import CheckpointError

LOW_RANK = ("low_rank_b", "low_rank_a")
FOUR_BIT = ("four_bit", "scale")
HALF = "half"
FORM = "packed residual"
"""The entry "form" of such a file's metadata."""
PARTS = (HALF, *LOW_RANK, *FOUR_BIT)
"""What may follow a parameter's name and two colons."""
NO_MODEL = (
    "is a packed residual of the LiNeS Explorer: only what fine-tuning changed, compressed, without the "
    "weights that it is added to. The Explorer offers it as a task of its own model already. Give whole "
    "fine-tuned weights instead, such as a download of Explore."
)
"""After the name of such a file, where a model was expected."""
LEVELS = 7
"""Values of a four-bit entry run from -LEVELS to LEVELS."""

Packed = Mapping[str, Tensor]
"""Tensors by ``<parameter>::<part>``; a parameter that is absent has no residual."""


def pack_half(name: str, residual: Tensor) -> Packed:
    """A residual of any shape, rounded to float16."""
    return {f"{name}::{HALF}": residual.detach().half()}


def pack_low_rank(name: str, b: Tensor, a: Tensor) -> Packed:
    """The residual ``b @ a`` of b (out, rank) and a (rank, in), both rounded to float16."""
    parts = (b.detach().half(), a.detach().half())
    return {f"{name}::{part}": value for part, value in zip(LOW_RANK, parts, strict=True)}


def pack_four_bit(name: str, residual: Tensor) -> Packed:
    """A residual (rows, ...), rounded to 15 levels per row: uint8 (rows, ceil(columns / 2)) and a scale.

    The error of an entry is at most half a level, its row's largest entry over 2 * LEVELS.
    """
    rows = residual.detach().float().flatten(1)
    scale = (rows.abs().amax(dim=1, keepdim=True) / LEVELS).half()
    # the levels of a row that is zero, or too small for half precision, are zeros
    levels = torch.where(scale > 0, rows / scale.float(), 0.0).round().clamp(-LEVELS, LEVELS)
    nibbles = (levels + LEVELS).to(torch.uint8)
    if nibbles.shape[1] % 2:
        nibbles = torch.nn.functional.pad(nibbles, (0, 1), value=LEVELS)
    values, factor = nibbles[:, ::2] * 16 + nibbles[:, 1::2], scale
    return {f"{name}::{FOUR_BIT[0]}": values, f"{name}::{FOUR_BIT[1]}": factor}


def pack(name: str, residual: Tensor) -> Packed:
    """A residual as in `assets`: matrices in four bits, vectors in half precision."""
    return pack_four_bit(name, residual) if residual.ndim >= 2 else pack_half(name, residual)


def unpack(packed: Packed, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The residuals of all parameters in float32; zeros for those that are absent.

    Args:
        shapes: of every parameter of the model.
    Raises: CheckpointError for an unknown parameter, a missing part, or parts that do not fit the shape.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in packed.items():
        name, _, part = key.partition("::")
        parts.setdefault(name, {})[part] = value
    foreign = sorted(set(parts) - set(shapes))
    if foreign:
        raise CheckpointError(f"The packed residual is of {foreign[0]!r}, which the model does not have.")
    residuals = {}
    for name, shape in shapes.items():
        residuals[name] = _unpacked(name, parts[name], shape) if name in parts else torch.zeros(shape)
        if not residuals[name].isfinite().all():
            raise CheckpointError(f"The packed residual of {name!r} is not finite.")
    return residuals


def _unpacked(name: str, parts: Mapping[str, Tensor], shape: torch.Size) -> Tensor:
    kinds = tuple(sorted(parts))
    try:
        if kinds == (HALF,):
            return parts[HALF].float().reshape(shape)
        if kinds == tuple(sorted(LOW_RANK)):
            b, a = (parts[part].float() for part in LOW_RANK)
            return (b @ a).reshape(shape)
        if kinds == tuple(sorted(FOUR_BIT)):
            values, scale = (parts[part] for part in FOUR_BIT)
            if values.dtype != torch.uint8:
                raise CheckpointError(
                    f"Four-bit values of {name!r} must be bytes (uint8), got {values.dtype}."
                )
            nibbles = torch.stack([values // 16, values % 16], dim=-1).flatten(1)
            columns = shape.numel() // max(1, shape[0])
            levels = nibbles[:, :columns].float() - LEVELS
            return (levels * scale.float()).reshape(shape)
    except (RuntimeError, IndexError) as error:
        raise CheckpointError(
            f"The packed residual of {name!r} does not fit its shape {tuple(shape)}: {error}"
        ) from error
    raise CheckpointError(
        f"The packed residual of {name!r} has the parts {', '.join(kinds)}: expected {HALF}, "
        f"{' and '.join(LOW_RANK)}, or {' and '.join(FOUR_BIT)}."
    )


def save_packed(path: str | os.PathLike[str], packed: Packed, metadata: Mapping[str, str]) -> None:
    """Write a packed residual as safetensors. Raises: CheckpointError as ``save_checkpoint``."""
    save_checkpoint(path, packed, {"format": "pt", "form": FORM, **metadata})


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Whether a file is what ``save_packed`` wrote. Raises: CheckpointError if it cannot be read."""
    return read_metadata(path).get("form") == FORM


def refuse_packed(names: Iterable[str], label: str) -> None:
    """Raises: CheckpointError if a file that should hold a model's weights has the parts of a residual.

    Args:
        names: of its tensors.
        label: what the message calls it.
    """
    if any(name.partition("::")[2] in PARTS for name in names):
        raise CheckpointError(f"{label} {NO_MODEL}")


def read_packed(path: str | os.PathLike[str], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Read what ``save_packed`` wrote, unpacked. Raises: CheckpointError if it is damaged or does not fit."""
    return unpack(read_checkpoint(path), shapes)
