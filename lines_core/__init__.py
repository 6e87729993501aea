"""LiNeS on named tensors: which block a weight belongs to, what scale it gets, and writing the edit fast."""

from lines_core.checkpoints import compare, read_checkpoint, read_metadata, save_checkpoint
from lines_core.editing import OUTSIDE_RULES, LayerEditor, OutsideRule, outside_scales
from lines_core.errors import (
    CheckpointError,
    EditError,
    LayerError,
    LinesError,
    ScheduleError,
    TaskVectorError,
)
from lines_core.flat import FlatLayout, adopt, is_adopted
from lines_core.layers import FAMILIES, DepthOrder, Family, block_of, depth_order
from lines_core.line_scaling import line_scaling
from lines_core.paths import WISE_FT_MIXES, PathPoint, lines_wise_ft_curve, wise_ft_line
from lines_core.schedules import SHAPES, Shape, coefficients, free_form
from lines_core.task_vectors import TaskVector, task_vector

__all__ = [
    "FAMILIES",
    "OUTSIDE_RULES",
    "SHAPES",
    "WISE_FT_MIXES",
    "CheckpointError",
    "DepthOrder",
    "EditError",
    "Family",
    "FlatLayout",
    "LayerEditor",
    "LayerError",
    "LinesError",
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
    "is_adopted",
    "line_scaling",
    "lines_wise_ft_curve",
    "outside_scales",
    "read_checkpoint",
    "read_metadata",
    "save_checkpoint",
    "task_vector",
    "wise_ft_line",
]
