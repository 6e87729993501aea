"""Depth order of a model's parameters: all names shallowest first, for the flat vector."""

from collections.abc import Iterable
from dataclasses import dataclass

from lines_core.architectures.families import FAMILIES
from lines_core.architectures.naming import Family
from lines_core.architectures.placing import Region, is_buffer, place_of
from lines_core.architectures.recognition import decide
from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names


def block_of(name: str, family: Family | None = None) -> int | None:
    """Residual block of one parameter in its tower, counted from 0; None for a parameter in no block.

    Args:
        name: full parameter name, as in a state dict.
        family: the architecture; by default the first in `FAMILIES` that has a block of this name, so
            ``transformer.resblocks.*`` counts although it may be a text tower: `recognise` sees all names.
    Raises: LayerError if the name is unknown, or one name is not enough, as for ConvNeXt, whose stages have
        to be counted first.

    >>> block_of("visual.transformer.resblocks.11.mlp.c_fc.weight")
    11
    >>> block_of("blocks.7.mlp.0.weight")
    7
    >>> block_of("visual.ln_post.weight") is None
    True
    """
    known = False
    for candidate in (family,) if family else FAMILIES:
        place = place_of(name, candidate)
        if place is not None and place.region is Region.BLOCK:
            if len(place.coordinates) > 1:
                raise LayerError(
                    f"{name!r} is in stage {place.coordinates[0]} of {candidate.title}: its block number "
                    "depends on the sizes of the stages before. Pass all names to recognise."
                )
            return place.coordinates[0]
        known = known or place is not None or is_buffer(name, candidate)
    if known:
        return None
    where = family.title if family else "any known architecture"
    raise LayerError(f"Unknown parameter name in {where}: {first_names([name])}. Blocks are never guessed.")


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


def depth_order(names: Iterable[str], family: Family | None = None, part: str | None = None) -> DepthOrder:
    """Sort the parameters by depth; the result does not depend on the order given.

    Args:
        names: every parameter of one tower, or of a model whose towers act one after the other; may be a
            mapping from names.
        family, part: as in `recognise`.
    Raises: LayerError as `recognise`, or if a name belongs to another tower, or is a buffer.

    >>> depth_order(["ln_f.bias", "h.1.mlp.bias", "wte.weight", "h.0.mlp.bias"]).segments
    (('wte.weight',), ('h.0.mlp.bias',), ('h.1.mlp.bias',), ('ln_f.bias',))
    """
    reading = decide(list(dict.fromkeys(names)), part, family)
    blocks = reading.blocks(part)
    outside = blocks.aside | reading.unchanged
    stray = [name for name in reading.places if name in outside]
    if stray:
        raise LayerError(
            f"{first_names(stray)} lie outside the tower that has the blocks ({reading.family.title}) and "
            "have no depth: pass the parameters of that tower only."
        )
    segments: list[list[tuple[int, int, str]]] = [[] for _ in range(blocks.count + 2)]
    for name, place in reading.places.items():
        block = blocks.of[name]
        if block is not None:
            segments[1 + block].append((0, 0, name))
        elif place is not None and place.tower is not None:  # else it were a stray
            segments[-1 if name in blocks.after else 0].append((place.tower, place.rank, name))
    ordered = (tuple(name for _, _, name in sorted(segment)) for segment in segments)
    return DepthOrder(reading.family, tuple(ordered))
