"""The paper's Appendix A: LiNeS on a dictionary of tensors, in one function."""

from collections.abc import Mapping

from torch import Tensor

from lines_core.architectures import recognise
from lines_core.errors import LayerError, TaskVectorError
from lines_core.schedules import coefficients


def line_scaling(
    task_vector: Mapping[str, Tensor],
    alpha: float = 0.0,
    beta: float = 1.0,
    num_blocks: int | None = None,
    part: str | None = None,
) -> dict[str, Tensor]:
    """The task vector with every residual block scaled by its depth, as new tensors.

        tau'[k] = (alpha + beta * (l - 1) / (L - 1)) * tau[k]    for k in block l      (Eq. 1)
        tau'[k] = alpha * tau[k]                                 for k in no block

    Add it to the pretrained weights for the edited model. One checkpoint: alpha = gamma, beta = 1 - gamma.
    A sum of T task vectors: alpha = 1 / T, and beta is tuned (section 4).

    Integer buffers, masks and ``position_ids`` are copied. A LoRA adapter is a task vector too: ``lora_A`` is
    copied and ``lora_B`` scaled, so that their product is; whole weights saved beside them are copied.

    Args:
        task_vector: finetuned minus pretrained, by parameter name; a text tower may be included and counts
            as outside the blocks, as in the paper.
        alpha: scale of block 1 and of everything outside the blocks.
        beta: rise from block 1 to block L.
        num_blocks: the expected L; by default it is counted from the names. An adapter that leaves out the
            last blocks does not show how many there are.
        part: the tower whose blocks are scaled, where there are several; see `recognise`.
    Raises: LayerError if the names are not known, or have another number of blocks; ScheduleError as
        `coefficients`; TaskVectorError if a weight is not floating-point or not finite.
    Source: arXiv:2410.17146, Appendix A, which looks for ``.{i}.`` anywhere in a name; see `architectures`.

    >>> import torch
    >>> tau = {f"blocks.{i}.mlp.0.weight": torch.ones(1) for i in range(3)} | {"pos_embed": torch.ones(1)}
    >>> [scaled.item() for scaled in line_scaling(tau, alpha=0.5, beta=0.5).values()]
    [0.5, 0.75, 1.0, 0.5]
    """
    model = recognise(task_vector, part=part)
    if num_blocks is not None and num_blocks != model.num_blocks:
        raise LayerError(f"The task vector has {model.num_blocks} blocks, expected {num_blocks}.")
    scales = coefficients("linear", alpha, beta, model.num_blocks).tolist()
    for name, residual in task_vector.items():
        if name in model.unchanged:
            continue
        if not residual.is_floating_point():
            raise TaskVectorError(f"{name!r} is {residual.dtype}; only floating-point weights can be scaled.")
        if not bool(residual.isfinite().all()):
            raise TaskVectorError(f"{name!r} holds NaN or infinity.")
    return {
        name: residual.clone()
        if name in model.unchanged
        else residual * (alpha if (block := model.block[name]) is None else scales[block])
        for name, residual in task_vector.items()
    }
