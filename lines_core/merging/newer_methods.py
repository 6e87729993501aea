"""The methods of 2024 and later, after LiNeS: their rows of `METHODS`."""

from lines_core.merging.della import EPSILON, della_merge, della_needs
from lines_core.merging.iso_c import iso_c_merge
from lines_core.merging.iso_cts import COMMON, iso_cts_merge
from lines_core.merging.method import AGG, FIXED, LONG_GRID, SEED, TIES_GRID, Method, density_of
from lines_core.merging.model_stock import model_stock_merge
from lines_core.merging.pcb import RATIO, pcb_merge, pcb_needs
from lines_core.merging.sce import SELECT, sce_merge
from lines_core.merging.tsv_m import tsv_m_merge

_ISO_PAPER = (
    "Marczak et al. (2025), No Task Left Behind: Isotropic Model Merging with Common and Task-Specific "
    "Subspaces, arXiv:2502.04959"
)

_BY_MATRIX = (
    "Directions without any change, as LoRA leaves many, are left out; the authors keep them, which turns "
    "arbitrary directions into part of the merge. Whatever is no matrix is averaged, as the authors do."
)

NEWER_METHODS = (
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
        by_tensor=True,
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
        by_tensor=True,
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
        by_tensor=True,
    ),
    Method(
        "pcb",
        "PCB merging",
        "Gives every entry of a task vector a score, high where it is large within its task and where the "
        "tasks agree, and merges the winners by their scores.",
        "Du et al. (2024), Parameter Competition Balancing for Model Merging, arXiv:2410.02396",
        (RATIO,),
        LONG_GRID,
        False,
        pcb_merge,
        pcb_needs,
        convention="As in the authors' code, but an entry that works against the tasks' sum never wins.",
    ),
    Method(
        "sce",
        "SCE",
        "Merges the entries in which the tasks differ, gives tasks that changed a tensor more a larger say, "
        "and leaves out entries against the majority's sign.",
        "Wan et al. (2024), FuseChat: Knowledge Fusion of Chat Models, arXiv:2408.07990",
        (SELECT,),
        LONG_GRID,
        False,
        sce_merge,
        convention="Tensor by tensor, with all entries selected and plus where they cancel, as in mergekit.",
        by_tensor=True,
    ),
    Method(
        "della",
        "DELLA",
        "Drops random entries of each task vector, small ones more often than large ones, and merges those "
        "that agree with the vote on each weight's sign.",
        "Deep et al. (2024), DELLA-Merging: Reducing Interference in Model Merging through Magnitude-Based "
        "Sampling, arXiv:2406.11617",
        (density_of(0.3, "is kept on average"), EPSILON, AGG, SEED),
        TIES_GRID,
        False,
        della_merge,
        della_needs,
        convention="Kept entries are divided by the probability of keeping them, as in the paper; mergekit "
        "scales each tensor to its former sum of magnitudes. Rows are ranked, as in both.",
        by_tensor=True,
    ),
    Method(
        "model-stock",
        "Model Stock",
        "Averages the models and goes back towards the pre-trained one the further, the less their changes "
        "point in one direction. Made for fine-tunings on one task.",
        "Jang et al. (2024), Model Stock: All we need is just a few fine-tuned models, arXiv:2403.19522",
        (),
        FIXED,
        False,
        model_stock_merge,
        convention="One angle a tensor, the mean over pairs of models, as in mergekit; never less than 0.",
        by_tensor=True,
    ),
)
