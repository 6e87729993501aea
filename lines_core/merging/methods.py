"""The merging methods: a row for each, with its settings, grid, source and convention."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor

from lines_core.merging.arithmetic import average, task_arithmetic
from lines_core.merging.breadcrumbs import breadcrumbs_merge, breadcrumbs_needs, breadcrumbs_within
from lines_core.merging.consensus import consensus_merge
from lines_core.merging.dare import dare_merge, dare_needs
from lines_core.merging.dare_ties import dare_ties_merge, dare_ties_needs
from lines_core.merging.masks import magnitude_masks, magnitude_needs, masked_needs, tall_masks
from lines_core.merging.method import (
    AGG,
    DROP,
    FIXED,
    PLAIN_GRID,
    REFERENCE_SIZE,
    SEED,
    TALL_LAMBDA,
    TIES_GRID,
    USE_TIES,
    Method,
    Parameter,
    density_of,
    ranked_within,
)
from lines_core.merging.newer_methods import NEWER_METHODS
from lines_core.merging.scopes import ROW, TENSOR, WHOLE, merge_each_tensor
from lines_core.merging.slerp import slerp_merge, slerp_needs, slerp_within
from lines_core.merging.ties import ties_merge, ties_needs

_TALL_MASKS_PAPER = (
    "Wang et al. (2024), Localizing Task Information for Improved Model Merging and Compression, "
    "arXiv:2405.07813"
)

_DARE_PAPER = (
    "Yu et al. (2024), Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free "
    "Lunch, arXiv:2311.03099"
)


def _ties_within(
    vectors: Sequence[Tensor], shapes: Sequence[Sequence[int]] | None, scope: float, **settings: float
) -> Tensor:
    return merge_each_tensor(ties_merge, vectors, shapes, **settings)


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
                    AGG,
                    ranked_within(WHOLE, TENSOR),
                    REFERENCE_SIZE,
                ),
                TIES_GRID,
                False,
                ties_merge,
                ties_needs,
                _ties_within,
                "The largest entries of the whole vector are kept, as in the TIES paper, or of each tensor,"
                " as in mergekit. Of d entries int(density · d) + 1 and those as large as the smallest of "
                "them are kept, as in the authors' code; in mergekit int(density · d). Where kept entries "
                "cancel, the sign of the majority decides; in mergekit it is plus.",
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
                _DARE_PAPER,
                (DROP, SEED),
                PLAIN_GRID,
                False,
                dare_merge,
                dare_needs,
                convention="Kept entries are divided by 1 − p, as in the paper; mergekit scales each tensor"
                " back to the sum of magnitudes that it had.",
            ),
            Method(
                "dare-ties",
                "DARE with TIES",
                "Drops random entries of each task vector as DARE does, takes a vote on the sign of every "
                "weight and merges those entries that agree with it, as TIES does.",
                _DARE_PAPER,
                (DROP, AGG, SEED),
                TIES_GRID,
                False,
                dare_ties_merge,
                dare_ties_needs,
                convention="Kept entries are divided by 1 − p, as in the DARE paper; mergekit (dare_ties) "
                "scales each tensor to its former sum of magnitudes. Where kept entries cancel, "
                "the result is 0.",
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
                    ranked_within(WHOLE, TENSOR, ROW),
                ),
                PLAIN_GRID,
                False,
                breadcrumbs_merge,
                breadcrumbs_needs,
                breadcrumbs_within,
                "The paper speaks of layers; its authors' code ranks each row of a tensor, mergekit each "
                "tensor; the default here is the whole vector, as in TIES.",
            ),
            Method(
                "slerp",
                "Slerp",
                "Goes from the task vector of one model to that of another along an arc, so that the length "
                "does not shrink half way as it does on a straight line. For exactly two models.",
                "Goddard et al. (2024), Arcee's MergeKit, arXiv:2403.13257; Shoemake (1985), Animating "
                "rotation with quaternion curves",
                (
                    Parameter(
                        "t",
                        "Position t",
                        "0 is the first of the two models (on the page by name), 1 is the second.",
                        0.5,
                        0.0,
                        1.0,
                        0.05,
                    ),
                    replace(
                        ranked_within(WHOLE, TENSOR),
                        title="Angle of",
                        help="Between what of the two models the angle is taken: one for all, or many.",
                    ),
                ),
                PLAIN_GRID,
                False,
                slerp_merge,
                slerp_needs,
                slerp_within,
                "mergekit interpolates the weights of two models, each tensor by its own angle; between "
                "fine-tunings of one model that angle is nearly 0, and the result nearly their average. Here "
                "the task vectors are interpolated, whose angle is wide, by one angle or one a tensor. "
                "As in mergekit the way is straight where they are nearly parallel, |cosine| above 0.9995.",
                2,
            ),
            *NEWER_METHODS,
        )
    }
)
