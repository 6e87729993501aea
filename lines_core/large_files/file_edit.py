"""LiNeS on a fine-tuned model of any size, from files to files."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from lines_core.checkpoints.weight_files import WeightFiles
from lines_core.large_files.file_scales import check_kind, file_scales, line_recipe
from lines_core.large_files.matched_names import matched_names, named_by
from lines_core.large_files.pieces import Piece, Progress, Source, rounded
from lines_core.large_files.staged_output import StagedOutput, check_place
from lines_core.large_files.written_model import (
    Counted,
    bytes_of,
    key_of,
    output_dtypes,
    title_of,
    write_model,
)


@torch.no_grad()
def edit_files(
    pretrained: str | os.PathLike[str] | None,
    finetuned: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    alpha: float,
    beta: float,
    shape: str = "linear",
    outside: str = "alpha",
    part: str | None = None,
    copy: Sequence[str] = (),
    dtype: torch.dtype | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the fine-tuned model with each block's update scaled by its depth.

        theta = theta_0 + lambda(l) * (theta_t - theta_0),    lambda(l) = alpha + beta * f(x)      (Eq. 1)

    Computed in float32 and rounded once. The output has the files, names and dtypes of the fine-tuned model,
    its metadata with the recipe, and the configuration and tokenizer beside it; integer buffers are copied.
    It appears when it is whole. A run that was stopped is continued by the same call: finished files are kept
    beside ``out`` in a hidden folder.

    Args:
        pretrained: what the fine-tuning started from: a .safetensors file, a folder with one, or a folder of
            shards with their index. None for a LoRA adapter, whose weights are an update themselves.
        finetuned: the same kinds.
        out: a folder that does not exist or is empty, or a .safetensors file where the weights have one file.
        alpha, beta, shape: as in `coefficients`. One knob: alpha = gamma, beta = 1 - gamma.
        outside: rule for the parameters in no block, key of `OUTSIDE_RULES`.
        part: of an architecture with several, such as "encoder".
        copy: parameters of the fine-tuned model that are copied as they are, such as a head that the
            fine-tuning added: names, or their beginnings up to a dot. The pre-trained model need not have
            them, may have them in another shape, and what it alone has of such a name is left out.
        dtype: of the output's floating-point weights; by default that of the fine-tuned model.
        progress: called with bytes done and in all.
    Returns: the path of the output.
    Raises: CheckpointError if a file cannot be read, the models do not fit together, or ``out`` cannot be
        written; LayerError, ScheduleError and EditError for names and settings; TaskVectorError if a weight
        is not finite; OSError of the disk.
    Cost: one read of each model and one write; memory for a few pieces of 2**20 weights.
    Source: arXiv:2410.17146, Eq. 1.
    """
    with ExitStack() as stack:
        after = stack.enter_context(WeightFiles(finetuned))
        before = None if pretrained is None else stack.enter_context(WeightFiles(pretrained))
        copied = named_by(copy, [after] if before is None else [after, before])
        scales = file_scales(after, alpha, beta, shape=shape, outside=outside, part=part, copied=copied)
        check_kind(after, scales, alone=before is None)
        matched = {} if before is None else matched_names(after, before, scales.unchanged | copied)
        dtypes = output_dtypes(after, dtype)
        recipe = {
            "pretrained": None if before is None else title_of(before),
            "finetuned": title_of(after),
            **line_recipe(scales, alpha, beta, shape, outside),
            **({"copy": list(copy)} if copy else {}),
            "dtype": None if dtype is None else str(dtype).removeprefix("torch."),
        }

        def sources(name: str) -> Sequence[Source]:
            scale = scales.of(name)
            if scale is None or before is None:
                return [(after, name)]
            return [(before, matched[name]), (after, name)][: 1 if scale == 0.0 else 2]

        def compute(piece: Piece) -> bytes | bytearray:
            scale, target = scales.of(piece.name), dtypes[piece.name]
            if scale is None and piece.dtypes[0] == target:
                return piece.data[0]
            stored = [piece.stored(number) for number in range(len(piece.data))]

            def weights(here: slice, scratch: list[Tensor]) -> Tensor:
                result, residual = scratch
                result.copy_(stored[0][here])
                if len(stored) == 2:
                    assert scale is not None
                    residual.copy_(stored[1][here])
                    result.add_(residual.sub_(result), alpha=scale)
                elif scale is not None and before is None:
                    result.mul_(scale)
                return result

            return rounded(len(stored[0]), target, piece.name, weights, torch.float32, torch.float32)

        models = [after] if before is None else [before, after]
        check_place(Path(out), models)
        staged = StagedOutput(Path(out), after, dtypes, key_of(recipe, models), dtype)
        counted = Counted(progress, bytes_of(after.names, sources))
        return write_model(staged, after, sources, compute, recipe, counted)
