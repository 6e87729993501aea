"""Merging methods: one task vector from several. `METHODS` lists them for the page, the docs and the tests.

Every method reads its vectors in slices, so they may be memory-mapped files; it allocates its result and a
few slices.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.alpha import MergingAlpha, merging_alpha
from lines_core.merging.arithmetic import average, task_arithmetic
from lines_core.merging.breadcrumbs import breadcrumbs_merge, breadcrumbs_needs
from lines_core.merging.consensus import consensus_merge
from lines_core.merging.dare import dare_merge, dare_needs
from lines_core.merging.inputs import check_finite, check_vectors
from lines_core.merging.known import Known, Needs
from lines_core.merging.masks import TALL_LAMBDAS, magnitude_masks, magnitude_needs, masked_needs, tall_masks
from lines_core.merging.method import (
    FIXED,
    PLAIN_GRID,
    REFERENCE_SIZE,
    TALL_LAMBDA,
    TIES_GRID,
    USE_TIES,
    Method,
    Parameter,
    density_of,
)
from lines_core.merging.slices import stopped_by
from lines_core.merging.ties import AGGREGATIONS, ties_merge, ties_needs

_TALL_MASKS_PAPER = (
    "Wang et al. (2024), Localizing Task Information for Improved Model Merging and Compression, "
    "arXiv:2405.07813"
)

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                "sum",
                "Task arithmetic",
                "Adds up the task vectors, so that one model moves in the direction of every task at once.",
                "Ilharco et al. (2023), Editing Models with Task Arithmetic, arXiv:2212.04089",
                (),
                PLAIN_GRID,
                False,
                task_arithmetic,
            ),
            Method(
                "average",
                "Average",
                "Adds the task vectors up and divides by their number, so no coefficient is left to choose.",
                "Wortsman et al. (2022), Model soups, arXiv:2203.05482",
                (),
                FIXED,
                False,
                average,
            ),
            Method(
                "ties",
                "TIES",
                "Keeps only the largest entries of each task vector, takes a vote on the sign of every "
                "weight and merges those entries that agree with it.",
                "Yadav et al. (2023), TIES-Merging: Resolving Interference When Merging Models, "
                "arXiv:2306.01708",
                (
                    density_of(0.2, "enters the vote"),
                    Parameter(
                        "agg",
                        "Agreeing entries",
                        "Whether the entries that agree with the elected sign are averaged or added up.",
                        0.0,
                        0.0,
                        1.0,
                        1.0,
                        AGGREGATIONS,
                    ),
                    REFERENCE_SIZE,
                ),
                TIES_GRID,
                False,
                ties_merge,
                ties_needs,
            ),
            Method(
                "consensus",
                "Consensus",
                "Adds the task vectors up and keeps only the weights that matter to several tasks.",
                _TALL_MASKS_PAPER,
                (
                    Parameter(
                        "k",
                        "Tasks that must agree",
                        "A weight is kept if it belongs to at least this many tasks; 0 keeps all.",
                        2.0,
                        0.0,
                        21.0,
                        1.0,
                    ),
                    TALL_LAMBDA,
                    USE_TIES,
                    density_of(0.2, "enters TIES, if that is chosen"),
                    REFERENCE_SIZE,
                ),
                PLAIN_GRID,
                False,
                consensus_merge,
                masked_needs,
            ),
            Method(
                "tall-masks",
                "TALL masks",
                "Adds the task vectors up and gives each task its own mask of that sum: the weights on which "
                "the task itself had the larger say.",
                _TALL_MASKS_PAPER,
                (TALL_LAMBDA, USE_TIES, density_of(0.2, "enters TIES, if that is chosen"), REFERENCE_SIZE),
                FIXED,
                True,
                tall_masks,
                masked_needs,
            ),
            Method(
                "magnitude-masks",
                "Magnitude masks",
                "Adds the task vectors up and gives each task only the weights that it changed most itself.",
                f"A baseline of {_TALL_MASKS_PAPER}",
                (density_of(0.1, "makes up its mask"), REFERENCE_SIZE),
                FIXED,
                True,
                magnitude_masks,
                magnitude_needs,
            ),
            Method(
                "dare",
                "DARE",
                "Sets most entries of each task vector to zero at random, enlarges the others to make up for "
                "it, and adds up.",
                "Yu et al. (2024), Language Models are Super Mario: Absorbing Abilities from Homologous "
                "Models as a Free Lunch, arXiv:2311.03099",
                (
                    Parameter(
                        "drop",
                        "Drop rate p",
                        "Probability of an entry to be set to zero; the others are divided by 1 − p.",
                        0.9,
                        0.0,
                        0.99,
                        0.05,
                    ),
                    Parameter(
                        "seed",
                        "Seed",
                        "Which draw it is: the same seed gives the same merge on every machine.",
                        0.0,
                        0.0,
                        2.0**31 - 1,
                        1.0,
                    ),
                ),
                PLAIN_GRID,
                False,
                dare_merge,
                dare_needs,
            ),
            Method(
                "breadcrumbs",
                "Breadcrumbs",
                "Leaves out the smallest entries of each task vector and its few largest ones, outliers, and "
                "adds up.",
                "Davari and Belilovsky (2024), Model Breadcrumbs: Scaling Multi-Task Model Merging with "
                "Sparse Masks, arXiv:2312.06795",
                (
                    Parameter(
                        "drop_small",
                        "Smallest left out",
                        "Share of each task vector's entries, smallest magnitudes first, that is left out.",
                        0.85,
                        0.0,
                        0.99,
                        0.05,
                    ),
                    Parameter(
                        "drop_large",
                        "Largest left out",
                        "Share of each task vector's entries, largest magnitudes first, that is left out.",
                        0.01,
                        0.0,
                        0.5,
                        0.005,
                    ),
                ),
                PLAIN_GRID,
                False,
                breadcrumbs_merge,
                breadcrumbs_needs,
            ),
        )
    }
)


def complete_settings(method: str, settings: Mapping[str, float]) -> dict[str, float]:
    """All settings of a method by key: checked, rounded to 9 decimals, missing ones at their defaults.

    Raises: MergeError for an unknown method, a setting that it does not have, or a value that it cannot take.

    >>> complete_settings("ties", {"density": 0.3})
    {'density': 0.3, 'agg': 0.0, 'reference_size': 0.0}
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
) -> Tensor:
    """tau_merged: one residual for all tasks, or for one of them where the method is `per_task`.

    Entries that are zero in all vectors stay zero. The order of the vectors does not matter, except that it
    determines `task` and the random draws of "dare".

    Args:
        key: of `METHODS`.
        vectors: T residuals tau_t, (numel,) float32, all finite, on one device; may be memory-mapped. Never
            changed.
        settings: by key, see `Method.parameters`; missing ones have their defaults.
        task: index of the vector to merge for, from 0; used by `per_task` methods only.
        known: what `Method.needs` asks for, if the vectors are parts of longer ones.
    Returns: (numel,) float32 on the device of the vectors.
    Raises: MergeError for an unknown method, invalid settings, no vectors or ones that do not fit together,
        an invalid task, or a result that is not finite.
    Cost: reads of the vectors as each method documents; memory for the result and a few slices. `stopped_by`
        can stop it between slices.
    """
    method = _method(key)
    complete = method.complete(settings or {})
    check_vectors(vectors)
    function = method.merge if method.needs is None else partial(method.merge, known=known)
    check_task(key, task, len(vectors))
    merged = function(vectors, task=task, **complete) if method.per_task else function(vectors, **complete)
    check_finite(merged)
    return merged


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
    "stopped_by",
]
