"""Merging methods: one task vector from several. `METHODS` lists them for the page, the docs and the tests.

Every method reads its vectors in slices, so they may be memory-mapped files; it allocates its result and a
few slices.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.alpha import MergingAlpha, merging_alpha
from lines_core.merging.inputs import check_finite, check_vectors
from lines_core.merging.known import Known, Needs
from lines_core.merging.masks import TALL_LAMBDAS
from lines_core.merging.method import Method, Parameter
from lines_core.merging.methods import METHODS
from lines_core.merging.scopes import SCOPE, WHOLE
from lines_core.merging.singular import matrix_shapes
from lines_core.merging.slices import stopped_by


def complete_settings(method: str, settings: Mapping[str, float]) -> dict[str, float]:
    """All settings of a method by key: checked, rounded to 9 decimals, missing ones at their defaults.

    Raises: MergeError for an unknown method, a setting that it does not have, or a value that it cannot take.

    >>> complete_settings("ties", {"density": 0.3})
    {'density': 0.3, 'agg': 0.0, 'scope': 0.0, 'reference_size': 0.0}
    """
    return _method(method).complete(settings)


@torch.no_grad()
def merge(
    key: str,
    vectors: Sequence[Tensor],
    settings: Mapping[str, float] | None = None,
    *,
    task: int | None = None,
    known: Known | None = None,
    shapes: Sequence[Sequence[int]] | None = None,
    names: Sequence[str] | None = None,
) -> Tensor:
    """tau_merged: one residual for all tasks, or for one of them where the method is `per_task`.

    Entries that are zero in all vectors stay zero, unless the method merges `by_tensor`. The order of the
    vectors does not matter, except that it determines `task`, the random draws of "dare" and where "slerp"
    begins.

    Args:
        key: of `METHODS`.
        vectors: T residuals tau_t, (numel,) float32, all finite, on one device; may be memory-mapped. Never
            changed. Some methods take `Method.count` of them.
        settings: by key, see `Method.parameters`; missing ones have their defaults.
        task: index of the vector to merge for, from 0; used by `per_task` methods only.
        known: what `Method.needs` asks for, if the vectors are parts of longer ones.
        shapes: of the tensors that the vectors are made of, in their order; needed for ranking within them,
            and by methods that merge `by_tensor`.
        names: of the tensors; they tell which 2-D ones are no matrices, see `singular.matrix_shapes`.
    Returns: (numel,) float32 on the device of the vectors.
    Raises: MergeError for an unknown method, invalid settings, no vectors, too many or ones that do not fit
        together, an invalid task, or a result that is not finite.
    Cost: reads of the vectors as each method documents; memory for the result and a few slices. `stopped_by`
        can stop it between slices.
    """
    method = _method(key)
    complete = method.complete(settings or {})
    check_vectors(vectors)
    method.check_count(len(vectors))
    check_task(key, task, len(vectors))
    scope = complete.pop(SCOPE, WHOLE)
    function = method.merge if method.needs is None else partial(method.merge, known=known)
    if method.by_tensor:
        merged = function(vectors, matrix_shapes(shapes, names), **complete)
    elif scope != WHOLE and method.within is not None:
        merged = method.within(vectors, shapes, scope, **complete)
    else:
        merged = (
            function(vectors, task=task, **complete) if method.per_task else function(vectors, **complete)
        )
    check_finite(merged)
    return merged


def raised_versions(keys: Iterable[str] = tuple(METHODS)) -> list[str]:
    """'ties 2' for each of some methods whose arithmetic has changed since evaluations first shipped."""
    return [f"{key} {METHODS[key].version}" for key in keys if METHODS[key].version > 1]


def check_task(key: str, task: int | None, count: int) -> None:
    """Raises: MergeError if the method makes one model per task and this is none of so many tasks."""
    if not METHODS[key].per_task:
        return
    if not isinstance(task, int) or isinstance(task, bool) or not 0 <= task < count:
        raise MergeError(
            f"{METHODS[key].title} makes one model per task: task must be from 0 to {count - 1}, "
            f"got {task!r}."
        )


def _method(key: str) -> Method:
    if key not in METHODS:
        raise MergeError(f"Unknown merging method {key!r}: pick one of {', '.join(METHODS)}.")
    return METHODS[key]


__all__ = [
    "METHODS",
    "TALL_LAMBDAS",
    "Known",
    "MergingAlpha",
    "Method",
    "Needs",
    "Parameter",
    "check_task",
    "complete_settings",
    "merge",
    "merging_alpha",
    "raised_versions",
    "stopped_by",
]
