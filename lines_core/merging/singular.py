"""Singular triples of a task vector's matrices, in float64 and without null directions.

What TSV-M, Iso-C and Iso-CTS share. A direction whose singular value is 0 is arbitrary, yet these methods
make directions orthonormal or all equally long, so that it would count as much as any other. Residuals of
LoRA, and of fine-tunings that left layers as they were, have many of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lines_core.merging.arithmetic import average
from lines_core.merging.scopes import tensors_of
from lines_core.merging.slices import check_stopped, on_threads

NEAR_ZERO = 1e-5
"""Singular values up to this share of the largest one count as zero: what is left of float32 rounding."""

NO_MATRIX = "text_projection"
"""A matrix by its shape, but averaged: the authors of TSV-M and Iso-C leave it out by this name."""


@dataclass(frozen=True)
class Triples:
    """Singular triples of a matrix A (m, n): A = left * values @ right.mT if they are all of them.

    Attributes:
        left: (m, k), orthonormal columns.
        values: (k,), positive, falling.
        right: (n, k), orthonormal columns.
    """

    left: Tensor
    values: Tensor
    right: Tensor


def largest_triples(matrix: Tensor, count: int, beside: float = 0.0) -> Triples:
    """The largest singular triples, fewer where the values are near zero.

    Eigenvectors of the smaller Gram matrix, in float64: A'A = V S^2 V', U = A V / S. Values above `NEAR_ZERO`
    are exact to about 1e-6 of themselves, since float64 leaves 1e-16 of the largest square.

    Args:
        matrix: (m, n), finite.
        count: at most.
        beside: a value that counts as the largest if it is larger: of the matrix that this one is a rest of.
    Returns: float64 tensors with k <= count columns; k = 0 for zeros.
    Cost: an eigendecomposition of min(m, n) rows, and three products.
    """
    tall = matrix.double() if matrix.shape[0] >= matrix.shape[1] else matrix.double().mT
    squares, vectors = torch.linalg.eigh(tall.mT @ tall)
    values = squares.clamp_min_(0.0).sqrt_().flip(0)
    cut = NEAR_ZERO * max(float(values[0]) if len(values) else 0.0, beside)
    kept = min(count, int((values > cut).sum()))
    values, right = values[:kept], vectors.flip(1)[:, :kept]
    left = (tall @ right) / values
    return Triples(left, values, right) if tall.shape == matrix.shape else Triples(right, values, left)


def nearest_orthonormal(matrix: Tensor) -> Tensor:
    """P(A) = X Y' for A = X D Y': orthonormal columns nearest to those of A (m, n), float64.

    Null directions of A are left out, which decides what the formula leaves open: columns that T tasks share
    become 1 / sqrt(T) of one direction, so that T equal tasks together count as one.
    """
    found = largest_triples(matrix, min(matrix.shape))
    return found.left @ found.right.mT


def recombined(parts: Sequence[Triples], values: Tensor) -> Tensor:
    """P(U) diag(values) P(V)' of all triples side by side; values (k in all,) or one for all."""
    left, right = (torch.cat([getattr(part, side) for part in parts], 1) for side in ("left", "right"))
    return (nearest_orthonormal(left) * values) @ nearest_orthonormal(right).mT


def merge_matrices(
    merge_one: Callable[[Sequence[Tensor]], Tensor],
    vectors: Sequence[Tensor],
    shapes: Sequence[Sequence[int]] | None,
) -> Tensor:
    """Each matrix merged by a rule, everything that is none averaged over the tasks.

    Args:
        merge_one: residuals (m, n) of the tasks to the merged one, for finite ones.
        vectors: T task vectors, (numel,) float32.
        shapes: of the tensors, see `matrix_shapes`.
    Raises: MergeError as `tensors_of`.
    """
    merged = torch.empty_like(vectors[0], memory_format=torch.contiguous_format)

    def work(item: tuple[slice, Sequence[int]]) -> None:
        part, shape = item
        residuals = [vector[part] for vector in vectors]
        if len(shape) != 2 or part.stop == part.start:
            merged[part] = average(residuals) if part.stop > part.start else 0.0
            return
        check_stopped()
        finite = all(bool(residual.sum(dtype=torch.float64).isfinite()) for residual in residuals)
        matrices = [residual.reshape(tuple(shape)) for residual in residuals]
        merged[part] = merge_one(matrices).flatten().float() if finite else torch.nan

    on_threads(work, tensors_of(len(merged), shapes), whole_cores=True)
    return merged


def matrix_shapes(
    shapes: Sequence[Sequence[int]] | None, names: Sequence[str] | None
) -> Sequence[Sequence[int]] | None:
    """Shapes as `merge_matrices` takes them: 2-D for a matrix, flat for what is averaged.

    Every 2-D parameter is a matrix, the positional embedding and the fused weights of query, key and value
    too, but for `NO_MATRIX`. So is a kernel of one pixel, (m, n, 1, 1): it multiplies channels as a linear
    layer does, and a ConvNeXt has hardly any other matrix. The authors had no such network.

    Args:
        names: of the tensors, if they are known.
    Source: AntoAndGar/task_singular_vectors and danielm1405/iso-merging, read for their rule.

    >>> matrix_shapes([(4, 3), (4,), (2, 3, 7, 7), (5, 4)], ["proj", "bias", "conv1", "text_projection"])
    [(4, 3), (4,), (294,), (20,)]
    >>> matrix_shapes([(8, 2, 1, 1), (8, 1, 7, 7)], ["mlp.fc1.weight", "conv_dw.weight"])
    [(8, 2), (392,)]
    """
    if shapes is None:
        return None
    numbers = [torch.Size(shape) for shape in shapes]
    known = names or [""] * len(numbers)
    return [
        tuple(shape[:2]) if _is_matrix(shape) and NO_MATRIX not in name else (shape.numel(),)
        for shape, name in zip(numbers, known, strict=True)
    ]


def _is_matrix(shape: torch.Size) -> bool:
    return len(shape) >= 2 and all(size == 1 for size in shape[2:])
