"""The methods on singular values, matrix by matrix: their rows of `METHODS`."""

from lines_core.merging.iso_c import iso_c_merge
from lines_core.merging.iso_cts import COMMON, iso_cts_merge
from lines_core.merging.method import LONG_GRID, Method
from lines_core.merging.tsv_m import tsv_m_merge

_ISO_PAPER = (
    "Marczak et al. (2025), No Task Left Behind: Isotropic Model Merging with Common and Task-Specific "
    "Subspaces, arXiv:2502.04959"
)

_BY_MATRIX = (
    "Directions without any change, as LoRA leaves many, are left out; the authors keep them, which turns "
    "arbitrary directions into part of the merge. Whatever is no matrix is averaged, as the authors do."
)

SPECTRAL_METHODS = (
    Method(
        "tsv-m",
        "TSV-M",
        "Keeps the strongest directions of each task's change, matrix by matrix, an equal share of "
        "them for each task, and turns them until those of different tasks no longer overlap.",
        "Gargiulo et al. (2025), Task Singular Vectors: Reducing Task Interference in Model Merging, "
        "arXiv:2412.00081",
        (),
        LONG_GRID,
        False,
        tsv_m_merge,
        convention=_BY_MATRIX,
        by_matrix=True,
    ),
    Method(
        "iso-c",
        "Iso-C",
        "Adds the task vectors up and makes all directions of every matrix of the sum equally strong, "
        "so that no task that changed much drowns out another.",
        _ISO_PAPER,
        (),
        LONG_GRID,
        False,
        iso_c_merge,
        convention=_BY_MATRIX,
        by_matrix=True,
    ),
    Method(
        "iso-cts",
        "Iso-CTS",
        "As Iso-C, but the weakest directions of the sum make room for directions that single tasks "
        "have for themselves.",
        _ISO_PAPER,
        (COMMON,),
        LONG_GRID,
        False,
        iso_cts_merge,
        convention=_BY_MATRIX,
        by_matrix=True,
    ),
)
