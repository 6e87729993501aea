"""LiNeS on named tensors: which block a weight belongs to, what scale it gets, and writing the edit fast."""

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
from lines_core.schedules import SHAPES, Shape, coefficients, free_form

__all__ = [
    "FAMILIES",
    "OUTSIDE_RULES",
    "SHAPES",
    "CheckpointError",
    "DepthOrder",
    "EditError",
    "Family",
    "FlatLayout",
    "LayerEditor",
    "LayerError",
    "LinesError",
    "OutsideRule",
    "ScheduleError",
    "Shape",
    "TaskVectorError",
    "adopt",
    "block_of",
    "coefficients",
    "depth_order",
    "free_form",
    "is_adopted",
    "outside_scales",
]
