"""Merges of fine-tuned models of any size, with LiNeS on top, from files to files."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from lines_core.architectures import depth_order
from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.errors import LayerError, MergeError
from lines_core.large_files.file_scales import file_scales, line_recipe
from lines_core.large_files.matched_names import matched_names, named_by
from lines_core.large_files.pieces import PIECE, Piece, Progress, Source, pieces, rounded
from lines_core.large_files.read_ahead import read_ahead
from lines_core.large_files.staged_output import StagedOutput, check_place
from lines_core.large_files.whole_vectors import MergePlan, VectorPart, known_as_text, known_from_text
from lines_core.large_files.written_model import (
    Counted,
    bytes_of,
    key_of,
    output_dtypes,
    title_of,
    write_model,
)
from lines_core.merging import complete_settings
from lines_core.merging.slices import over_slices

_FOUND = "found.json"


@torch.no_grad()
def merge_files(
    pretrained: str | os.PathLike[str],
    finetuned: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    method: str = "ties",
    settings: Mapping[str, float] | None = None,
    task: int | None = None,
    weights: Sequence[float] | None = None,
    alpha: float | None = None,
    beta: float = 0.0,
    shape: str = "linear",
    outside: str = "alpha",
    part: str | None = None,
    copy: Sequence[str] = (),
    dtype: torch.dtype | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the pretrained model with the merged update of several fine-tuned ones added.

        theta = theta_0 + lambda(l) * tau_merged,    lambda(l) = alpha + beta * f(x)      (Eq. 1)

    The update is that of `merging.merge` on the whole models as flat vectors, entry by entry: every
    floating-point parameter counts, in depth order. A method that needs something of whole vectors, such as
    a threshold, reads the models several times: TIES four times, also with Eq. 2. A method that merges tensor
    by tensor does so twice for Eq. 2. Computed in float32 and rounded once. The output has the files, names
    and dtypes of the pretrained model and the files beside it; it appears when it is whole, and a run that
    was stopped is continued by the same call.

    Args:
        pretrained, out: as in `edit_files`.
        finetuned: T models, each as in `edit_files`.
        method, settings, task: as in `merge`.
        weights: factor of each model's update before the merge, by default 1.
        alpha: scale of the first block, or of everything if beta is 0; by default 1, or Eq. 2 if there is a
            beta.
        beta: rise to the last block; 0 merges without LiNeS.
        shape, outside, part, dtype, progress: as in `edit_files`.
        copy: parameters that are copied from the pretrained model, such as heads of single tasks: names, or
            their beginnings up to a dot. The fine-tuned models need not have them, and what they alone have
            of such a name is left out.
    Returns: the path of the output.
    Raises: MergeError for the method and its settings, or weights that are not finite; otherwise as
        `edit_files`.
    Cost: memory for a few pieces of 2**20 weights of each model, or as long as the largest parameter for
        methods that merge tensor by tensor.
    Source: arXiv:2410.17146, Eq. 1 and 2.
    """
    complete = complete_settings(method, settings or {})
    if not finetuned:
        raise MergeError("A merge needs at least one fine-tuned model, got none.")
    factors = tuple(map(float, weights or (1.0,) * len(finetuned)))
    if len(factors) != len(finetuned) or not all(map(math.isfinite, factors)):
        raise MergeError(f"Expected {len(finetuned)} finite weights, one for each model, got {factors}.")
    with ExitStack() as stack:
        before = stack.enter_context(WeightFiles(pretrained))
        models = [stack.enter_context(WeightFiles(path)) for path in finetuned]
        given = 1.0 if alpha is None else alpha
        copied = named_by(copy, [before, *models])
        lay = partial(file_scales, before, shape=shape, outside=outside, part=part, copied=copied)
        scales = lay(given, beta)
        matched = [matched_names(before, model, scales.unchanged | copied) for model in models]
        floating = [
            name
            for name, entry in before.entries.items()
            if name in scales.by_name and entry.dtype.is_floating_point
        ]
        starts, numel = _places(before, floating)
        longest = min(PIECE, max(prod(before.entries[name].shape) for name in floating))
        plan = MergePlan(method, complete, task, len(models), numel, longest)
        dtypes = output_dtypes(before, dtype)
        recipe: dict[str, object] = {
            "pretrained": title_of(before),
            "finetuned": [title_of(model) for model in models],
            "method": method,
            "settings": complete,
            "task": task,
            "weights": list(factors),
            **line_recipe(scales, alpha, beta, shape, outside),
            **({"copy": list(copy)} if copy else {}),
            "dtype": None if dtype is None else str(dtype).removeprefix("torch."),
        }
        check_place(Path(out), [before, *models])
        staged = StagedOutput(Path(out), before, dtypes, key_of(recipe, [before, *models]), dtype)

        def sources(name: str) -> Sequence[Source]:
            if name not in starts:
                return [(before, name)]
            others = zip(models, matched, strict=True)
            return [(before, name), *((model, names[name]) for model, names in others)]

        def vectors(piece: Piece) -> VectorPart:
            base, *stored = (piece.stored(number) for number in range(len(piece.data)))
            residuals = tuple(torch.empty(len(base)) for _ in stored)

            def subtract(here: slice, scratch: list[Tensor]) -> None:
                scratch[0].copy_(base[here])
                for residual, model, factor in zip(residuals, stored, factors, strict=True):
                    residual[here].copy_(model[here]).sub_(scratch[0]).mul_(factor)

            over_slices(residuals[0], subtract, torch.float32)
            shape = tuple(before.entries[piece.name].shape)
            return VectorPart(piece.name, starts[piece.name] + piece.start, residuals, shape)

        def read() -> Iterator[VectorPart]:
            return map(vectors, counted.through(read_ahead(pieces(floating, sources, plan.by_tensor))))

        by_eq_2 = alpha is None and beta != 0.0
        searching = 0 if staged.has(_FOUND) else plan.passes(by_eq_2)
        once = bytes_of(floating, sources)
        counted = Counted(progress, searching * once + bytes_of(before.names, sources))
        if staged.has(_FOUND):
            known, first = known_from_text((staged.folder / _FOUND).read_text("utf-8"))
        else:
            known, found = plan.find(read, by_eq_2)
            first = given if found is None else found
            staged.keep(_FOUND, known_as_text(known, first))
        scales = lay(first, beta)
        recipe["alpha"] = first

        def compute(piece: Piece) -> bytes | bytearray:
            target, scale = dtypes[piece.name], scales.by_name.get(piece.name, 0.0)
            if piece.name not in starts and piece.dtypes[0] == target:
                return piece.data[0]
            base = piece.stored(0)
            merged = plan.merged(vectors(piece), known) if scale != 0.0 else None

            def edited(here: slice, scratch: list[Tensor]) -> Tensor:
                result = scratch[0].copy_(base[here])
                return result if merged is None else result.add_(merged[here], alpha=scale)

            return rounded(len(base), target, piece.name, edited, torch.float32)

        return write_model(staged, before, sources, compute, recipe, counted, plan.by_tensor)


def _places(weights: WeightFiles, names: Sequence[str]) -> tuple[dict[str, int], int]:
    """Index of each parameter's first entry in the flat vector, and the vector's length.

    In depth order, like the vectors of a live model; sorted by name where there are parameters of no depth.
    """
    try:
        order: Sequence[str] = depth_order(names).names
    except LayerError:
        order = sorted(names)
    starts, end = {}, 0
    for name in order:
        starts[name], end = end, end + prod(weights.entries[name].shape)
    return starts, end
