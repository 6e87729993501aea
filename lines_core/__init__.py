"""LiNeS on named tensors: which block a weight belongs to, what scale it gets, and writing the edit fast."""

from lines_core.checkpoints import compare, read_checkpoint, read_metadata, save_checkpoint
from lines_core.editing import OUTSIDE_RULES, LayerEditor, OutsideRule, outside_scales
from lines_core.errors import (
    CheckpointError,
    EditError,
    LayerError,
    LinesError,
    MergeError,
    ScheduleError,
    TaskVectorError,
)
from lines_core.flat import FlatLayout, adopt, is_adopted
from lines_core.layers import FAMILIES, DepthOrder, Family, block_of, depth_order
from lines_core.line_scaling import line_scaling
from lines_core.merging import METHODS, MergingAlpha, merge, merging_alpha
from lines_core.paths import WISE_FT_MIXES, PathPoint, lines_wise_ft_curve, wise_ft_line
from lines_core.schedules import SHAPES, Shape, coefficients, free_form
from lines_core.soups import GreedySoup, GreedyStep, greedy_soup, rewarded_soup, uniform_soup
from lines_core.task_vectors import TaskVector, task_vector

__all__ = [
    "FAMILIES",
    "METHODS",
    "OUTSIDE_RULES",
    "SHAPES",
    "WISE_FT_MIXES",
    "CheckpointError",
    "DepthOrder",
    "EditError",
    "Family",
    "FlatLayout",
    "GreedySoup",
    "GreedyStep",
    "LayerEditor",
    "LayerError",
    "LinesError",
    "MergeError",
    "MergingAlpha",
    "OutsideRule",
    "PathPoint",
    "ScheduleError",
    "Shape",
    "TaskVector",
    "TaskVectorError",
    "adopt",
    "block_of",
    "coefficients",
    "compare",
    "depth_order",
    "free_form",
    "greedy_soup",
    "is_adopted",
    "line_scaling",
    "lines_wise_ft_curve",
    "merge",
    "merging_alpha",
    "outside_scales",
    "read_checkpoint",
    "read_metadata",
    "rewarded_soup",
    "save_checkpoint",
    "task_vector",
    "uniform_soup",
    "wise_ft_line",
]
