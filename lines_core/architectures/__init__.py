"""Which residual block a parameter belongs to, for every supported architecture."""

from lines_core.architectures.depth_order import DepthOrder, block_indices, block_of, depth_order
from lines_core.architectures.families import FAMILIES, Family

__all__ = ["FAMILIES", "DepthOrder", "Family", "block_indices", "block_of", "depth_order"]
