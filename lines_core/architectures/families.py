"""The supported architectures: one table row each."""

from lines_core.architectures.clip_families import CLIP_FAMILIES
from lines_core.architectures.multimodal_families import MULTIMODAL_FAMILIES
from lines_core.architectures.naming import Family
from lines_core.architectures.text_families import TEXT_FAMILIES
from lines_core.architectures.vision_families import VISION_FAMILIES

FAMILIES: tuple[Family, ...] = (*CLIP_FAMILIES, *TEXT_FAMILIES, *MULTIMODAL_FAMILIES, *VISION_FAMILIES)
"""In the order in which names are tried where several rows explain as many and count the same."""
