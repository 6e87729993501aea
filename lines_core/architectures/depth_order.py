"""Depth order of a model's parameters: the residual block of each name, and all names shallowest first.

A name is matched as a whole against the patterns of one architecture family. The published code searches for
``.7.`` anywhere in a name and takes the smallest number it finds, which puts ``blocks.7.mlp.0.weight`` into
block 0 and the text tower's blocks among those of the image tower.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from lines_core.architectures.families import FAMILIES, Family
from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names


class _Region(IntEnum):
    BEFORE = 0
    BLOCK = 1
    AFTER = 2
    BESIDE = 3


@dataclass(frozen=True)
class _Place:
    region: _Region
    rank: int
    coordinates: tuple[int, ...] = ()
    prefix: str = ""


def block_of(name: str, family: Family | None = None) -> int | None:
    """Residual block of one parameter, counted from 0; None for a parameter in no block.

    Args:
        name: full parameter name, as in a state dict.
        family: the architecture; by default the first in `FAMILIES` that has the name in its tower, so
            ``transformer.resblocks.*`` is taken for an image tower. In a full CLIP it is the text tower:
            `block_indices` sees all names.
    Raises: LayerError if the name is unknown, or one name is not enough, as for ConvNeXt, whose stages have
        to be counted first: `depth_order` does.

    >>> block_of("visual.transformer.resblocks.11.mlp.c_fc.weight")
    11
    >>> block_of("blocks.7.mlp.0.weight")
    7
    >>> block_of("visual.ln_post.weight") is None
    True
    """
    beside = False
    for candidate in (family,) if family else FAMILIES:
        place = _place(name, candidate)
        if place is None:
            continue
        if len(place.coordinates) > 1:
            raise LayerError(
                f"{name!r} is in stage {place.coordinates[0]} of {candidate.title}: its block number "
                "depends on the sizes of the stages before. Pass all names to depth_order."
            )
        if place.region is not _Region.BESIDE:
            return place.coordinates[0] if place.region is _Region.BLOCK else None
        beside = True
    if beside:
        return None
    raise LayerError(_unknown([name], family))


@dataclass(frozen=True)
class DepthOrder:
    """The parameters of one tower, shallowest first.

    Attributes:
        family: the architecture the names belong to.
        segments: L + 2 groups of names: before the first block, block 0 .. block L - 1, after the last.
    """

    family: Family
    segments: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All names in depth order."""
        return tuple(name for segment in self.segments for name in segment)

    @property
    def num_blocks(self) -> int:
        """L, the number of residual blocks."""
        return len(self.segments) - 2


def depth_order(names: Iterable[str], family: Family | None = None) -> DepthOrder:
    """Sort the parameters of one tower by depth; the result does not depend on the order given.

    Args:
        names: every parameter of the tower; may be a mapping from names.
        family: the architecture; by default the first in `FAMILIES` with a block among the names.
    Returns: the order; L is counted from the names.
    Raises: LayerError if there is no block, a block is missing in between, or a name is unknown or
        belongs to another tower.

    >>> depth_order(["ln_f.bias", "h.1.mlp.bias", "wte.weight", "h.0.mlp.bias"]).segments
    (('wte.weight',), ('h.0.mlp.bias',), ('h.1.mlp.bias',), ('ln_f.bias',))
    """
    family, places, blocks = _locate(list(names), family)
    beside = [name for name, place in places.items() if place.region is _Region.BESIDE]
    if beside:
        raise LayerError(
            f"{first_names(beside)} lie outside the tower that has the blocks ({family.title}) and have no "
            "depth: pass the names of that tower only."
        )
    segments: list[list[str]] = [[] for _ in range(len(blocks) + 2)]
    for name, place in sorted(places.items(), key=lambda item: (item[1].region, item[1].rank, item[0])):
        if place.region is _Region.BLOCK:
            segments[1 + blocks[place.coordinates]].append(name)
        else:
            segments[0 if place.region is _Region.BEFORE else -1].append(name)
    return DepthOrder(family, tuple(tuple(segment) for segment in segments))


def block_indices(names: Iterable[str], family: Family | None = None) -> tuple[int, dict[str, int | None]]:
    """Residual block of every parameter of a checkpoint, which may also have a text tower.

    Args:
        names, family: as in `depth_order`.
    Returns: L, and for each name its block counted from 0, or None for a parameter in no block.
    Raises: LayerError as `depth_order`, except that names outside the tower are in no block.

    >>> block_indices(["visual.transformer.resblocks.0.x", "transformer.resblocks.0.x", "logit_scale"])
    (1, {'visual.transformer.resblocks.0.x': 0, 'transformer.resblocks.0.x': None, 'logit_scale': None})
    """
    _, places, blocks = _locate(list(names), family)
    return len(blocks), {name: blocks.get(place.coordinates) for name, place in places.items()}


def _locate(
    names: list[str], family: Family | None
) -> tuple[Family, dict[str, _Place], dict[tuple[int, ...], int]]:
    """The family, the place of each name, and coordinates -> block number, all checked."""
    if family is None:
        family = next((known for known in FAMILIES if any(_is_block(name, known) for name in names)), None)
        if family is None:
            raise LayerError(
                f"Found no residual block among {len(names)} names ({first_names(names)}). "
                f"Known architectures: {', '.join(known.title for known in FAMILIES)}."
            )
    placed = {name: _place(name, family) for name in names}
    unknown = [name for name, place in placed.items() if place is None]
    if unknown:
        raise LayerError(_unknown(unknown, family))
    places = {name: place for name, place in placed.items() if place is not None}
    in_blocks = [place for place in places.values() if place.region is _Region.BLOCK]
    if not in_blocks:
        raise LayerError(
            f"Found no residual block of {family.title} among {len(names)} names ({first_names(names)})."
        )
    prefixes = sorted({place.prefix for place in in_blocks})
    if len(prefixes) > 1:
        raise LayerError(f"The blocks have different prefixes, {prefixes}: pass one tower at a time.")
    coordinates = sorted({place.coordinates for place in in_blocks})
    for before, after in zip([None, *coordinates], coordinates, strict=False):
        if not _follows(before, after):
            raise LayerError(
                f"Blocks are numbered without a gap from 0, but {_dotted(after)} follows "
                f"{_dotted(before) if before else 'nothing'}: the checkpoint is incomplete."
            )
    return family, places, {coordinate: block for block, coordinate in enumerate(coordinates)}


def _place(name: str, family: Family) -> _Place | None:
    regions = ((_Region.BLOCK, family.blocks), (_Region.BEFORE, family.before), (_Region.AFTER, family.after))
    for region, patterns in regions:
        for rank, pattern in enumerate(patterns):
            match = re.fullmatch(f"({family.prefix})(?:{pattern})", name)
            if match is None:
                continue
            prefix, *numbers = match.groups()
            if region is not _Region.BLOCK:
                return _Place(region, rank, prefix=prefix)
            depth = re.compile(family.blocks[0]).groups
            coordinates = (*map(int, numbers), *[0] * (depth - len(numbers)))
            return _Place(region, 0, coordinates, prefix)
    if any(re.fullmatch(pattern, name) for pattern in family.beside):
        return _Place(_Region.BESIDE, 0)
    return None


def _is_block(name: str, family: Family) -> bool:
    return any(re.fullmatch(f"(?:{family.prefix})(?:{pattern})", name) for pattern in family.blocks)


def _follows(before: tuple[int, ...] | None, after: tuple[int, ...]) -> bool:
    """Whether `after` is the next block: the next number, or the start of the next stage."""
    if before is None:
        return not any(after)
    if before[:-1] == after[:-1]:
        return after[-1] == before[-1] + 1
    return after[-1] == 0 and after[0] == before[0] + 1


def _dotted(coordinates: tuple[int, ...]) -> str:
    return "block " + ".".join(map(str, coordinates))


def _unknown(names: list[str], family: Family | None) -> str:
    where = f"in {family.title}" if family else "in any known architecture"
    return (
        f"Unknown parameter name {where}: {first_names(names)}. Blocks are never guessed: remove it, "
        "or add its name to lines_core/architectures/families.py."
    )
