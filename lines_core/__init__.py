"""LiNeS on named tensors: depth order, schedules, fast in-place edits, merging and safe checkpoint files."""

from lines_core.architectures import (
    FAMILIES,
    PARTS,
    DepthOrder,
    Family,
    ModelBlocks,
    block_of,
    depth_order,
    recognise,
)
from lines_core.checkpoints import (
    CheckpointContents,
    compare,
    open_checkpoint,
    read_checkpoint,
    read_metadata,
    save_checkpoint,
)
from lines_core.editing import OUTSIDE_RULES, LayerEditor, OutsideRule, outside_scales
from lines_core.errors import (
    CheckpointError,
    ChoiceError,
    EditError,
    LayerError,
    LinesError,
    MergeError,
    ScheduleError,
    TaskVectorError,
)
from lines_core.flat import FlatLayout, adopt, is_adopted
from lines_core.large_files import edit_files, merge_files
from lines_core.line_scaling import line_scaling
from lines_core.merging import METHODS, MergingAlpha, merge, merging_alpha
from lines_core.schedules import SHAPES, Shape, coefficients, free_form
from lines_core.soups import GreedySoup, GreedyStep, greedy_soup
from lines_core.update_norms import UpdateNorm, UpdateNorms, update_norms
from lines_core.update_notes import UpdateNote, update_notes

__all__ = [
    "FAMILIES",
    "METHODS",
    "OUTSIDE_RULES",
    "PARTS",
    "SHAPES",
    "CheckpointContents",
    "CheckpointError",
    "ChoiceError",
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
    "ModelBlocks",
    "OutsideRule",
    "ScheduleError",
    "Shape",
    "TaskVectorError",
    "UpdateNorm",
    "UpdateNorms",
    "UpdateNote",
    "adopt",
    "block_of",
    "coefficients",
    "compare",
    "depth_order",
    "edit_files",
    "free_form",
    "greedy_soup",
    "is_adopted",
    "line_scaling",
    "merge",
    "merge_files",
    "merging_alpha",
    "open_checkpoint",
    "outside_scales",
    "read_checkpoint",
    "read_metadata",
    "recognise",
    "save_checkpoint",
    "update_norms",
    "update_notes",
]
