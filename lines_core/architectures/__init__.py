"""Which residual block a parameter belongs to, for every supported architecture."""

from lines_core.architectures.depth_order import DepthOrder, block_of, depth_order
from lines_core.architectures.families import FAMILIES
from lines_core.architectures.naming import Family
from lines_core.architectures.recognition import PARTS, ModelBlocks, recognise

__all__ = ["FAMILIES", "PARTS", "DepthOrder", "Family", "ModelBlocks", "block_of", "depth_order", "recognise"]
