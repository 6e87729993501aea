"""Where one architecture has a parameter, by its name alone."""

import re
from dataclasses import dataclass
from enum import IntEnum

from lines_core.architectures.naming import Family, match

_BUFFER = re.compile(
    r"(?:.+\.)?(?:position_ids|token_type_ids|num_batches_tracked|relative_position_index|relative_coords_table|"
    r"attn_mask|causal_mask|inv_freq|original_inv_freq|freqs_cos|freqs_sin|periods)"
)


class Region(IntEnum):
    """Where in its tower a parameter acts."""

    BEFORE = 0
    BLOCK = 1
    AFTER = 2


@dataclass(frozen=True)
class Place:
    """Where a parameter is.

    Attributes:
        tower: index in `Family.towers`; None beside all of them.
        region: where in the tower.
        rank: depth among the parameters before or after the blocks.
        coordinates: (block,) or (stage, block).
        prefix: what the name begins with.
        rest: the parameter's name in its block; empty for a layer between blocks.
    """

    tower: int | None
    region: Region = Region.AFTER
    rank: int = 0
    coordinates: tuple[int, ...] = ()
    prefix: str = ""
    rest: str = ""


END_OF_STAGE = -1
"""Stands for the last block of a stage in coordinates, until all names are known."""


def place_of(name: str, family: Family) -> Place | None:
    """The place of a parameter, or None if the family has none of this name."""
    if not family.names.fullmatch(name):
        return None
    for index, tower in enumerate(family.towers):
        for pattern in tower.blocks:
            if found := match(name, pattern, tower.prefix):
                return Place(index, Region.BLOCK, 0, found.numbers, found.prefix, found.rest)
    for index, tower in enumerate(family.towers):
        for region, patterns in ((Region.BEFORE, tower.before), (Region.AFTER, tower.after)):
            for rank, pattern in enumerate(patterns):
                if match(name, pattern, tower.prefix):
                    return Place(index, region, rank)
        for patterns, block in ((tower.between, 0), (tower.closes, END_OF_STAGE)):
            for pattern in patterns:
                found = match(name, pattern, tower.prefix)
                if found and (found.numbers[0] > 0 or block == END_OF_STAGE):
                    return Place(index, Region.BLOCK, 0, (found.numbers[0], block), found.prefix)
    if any(match(name, pattern) for pattern in family.beside):
        return Place(None)
    return None


def is_buffer(name: str, family: Family) -> bool:
    """Whether the name is that of an index, a counter, a mask or a table of angles, and not of a weight."""
    return bool(_BUFFER.fullmatch(name)) or any(match(name, pattern) for pattern in family.unchanged)
