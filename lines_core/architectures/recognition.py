"""Which block each parameter of a file is in: the architecture is decided once, by all its names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lines_core.architectures.adapters import AdapterNames, adapter_names
from lines_core.architectures.block_checks import two_numbers
from lines_core.architectures.families import FAMILIES
from lines_core.architectures.naming import Family
from lines_core.architectures.placed_names import Reading, read_names
from lines_core.architectures.placing import is_buffer, place_of
from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names, quoted

PARTS = ("image", "text", "encoder", "decoder", "both")
"""What `part` may be; "both" counts block i of encoder and decoder alike."""
_FEW = 3
"""Architectures that are named where none fits."""
_NUMBER = re.compile(r"(?<![^.])(?:0|[1-9][0-9]{0,8})(?![^.])")


@dataclass(frozen=True)
class ModelBlocks:
    """The residual block of every parameter of a file.

    Attributes:
        family: the architecture.
        part: the tower whose blocks are counted, one of `PARTS`; empty if the file has only one.
        num_blocks: L.
        block: for each name its block, counted from 0; None for a parameter in no block, which follows the
            rule for what lies outside: embeddings, heads, ``logit_scale``, the other towers.
        after: names in no block that act after the last block, for the rule that goes by depth; a parameter
            of no depth, such as ``logit_scale``, or of a tower beside is not among them.
        unchanged: names that are copied and never scaled: integer buffers, masks, and LoRA's A.
    """

    family: Family
    part: str
    num_blocks: int
    block: Mapping[str, int | None]
    after: frozenset[str]
    unchanged: frozenset[str]

    @property
    def outside(self) -> tuple[str, ...]:
        """The parameters that follow the rule for what lies in no block."""
        return tuple(
            name for name, block in self.block.items() if block is None and name not in self.unchanged
        )


def recognise(
    names: Iterable[str] | Mapping[str, object], *, part: str | None = None, family: Family | None = None
) -> ModelBlocks:
    """The architecture that explains most of the names, and the block of each of them.

    Args:
        names: every parameter and buffer of a file, or a mapping from them, such as to their shapes; an
            adapter's file is read as the weights that it changes.
        part: the tower whose blocks are counted, one of `PARTS`. Needed where a model has several; alone a
            CLIP means its image tower and a T5 its decoder, as in the paper (sections 5.1 and 5.2).
        family: the architecture, if it is known.
    Raises: LayerError if there is no block, a name is unknown, a block is missing in between, two
        architectures explain as many names but count differently, a part is missing or absent, or blocks of
        this architecture have no order of depth.

    >>> names = ["visual.transformer.resblocks.0.x", "transformer.resblocks.0.x", "logit_scale"]
    >>> dict(recognise(names).block)
    {'visual.transformer.resblocks.0.x': 0, 'transformer.resblocks.0.x': None, 'logit_scale': None}
    >>> dict(recognise(names, part="text").block)
    {'visual.transformer.resblocks.0.x': None, 'transformer.resblocks.0.x': 0, 'logit_scale': None}
    """
    if part is not None and part not in PARTS:
        raise LayerError(f"Unknown part {part!r}: pick one of {', '.join(PARTS)}.")
    every = list(dict.fromkeys(names))
    adapter = adapter_names(every)
    reading = decide(list(dict.fromkeys(adapter.base.values())), part, family)
    blocks = reading.blocks(part)
    block = {name: blocks.of.get(base) for name, base in adapter.base.items()}
    _check_whole_weights(adapter, block)
    buffers = {name for name, base in adapter.base.items() if base in reading.unchanged}
    unchanged = frozenset(buffers | adapter.factors | adapter.whole)
    after = frozenset(name for name, base in adapter.base.items() if base in blocks.after)
    return ModelBlocks(reading.family, blocks.part, blocks.count, block, after, unchanged)


def decide(names: list[str], part: str | None = None, family: Family | None = None) -> Reading:
    """The names as the one architecture reads them that explains most.

    Raises: LayerError as `recognise`.
    """
    if family is not None:
        return read_names(names, family)
    best = _most_explained(names)
    readings: list[Reading] = []
    refusals: list[LayerError] = []
    for candidate in best:
        try:
            readings.append(read_names(names, candidate))
        except LayerError as error:
            refusals.append(error)
    if not readings:
        raise refusals[0]
    first, *others = [reading for reading in readings if reading.has(part)] or readings
    counted = first.blocks(part).of
    for other in others:
        differing = [name for name, block in other.blocks(part).of.items() if counted[name] != block]
        if differing:
            name = differing[0]
            raise LayerError(
                f"{first.family.title} and {other.family.title} explain these names equally well, but put "
                f"{first_names([name])} into block {counted[name]} and {other.blocks(part).of[name]}: say "
                "which architecture it is with family=."
            )
    return first


def _most_explained(names: list[str]) -> list[Family]:
    """The families with a block among the names that explain the most of them."""
    alike: dict[str, str] = {}  # names that differ in numbers only are explained by the same families
    counts = Counter(alike.setdefault(_NUMBER.sub("0", name), name) for name in names)
    scores: dict[int, int] = {}
    without_block: dict[int, int] = {}
    for index, family in enumerate(FAMILIES):
        places = {name: place_of(name, family) for name in counts}
        explained = sum(
            counts[name] for name, place in places.items() if place is not None or is_buffer(name, family)
        )
        has_block = any(place is not None and place.rest for place in places.values())
        (scores if has_block else without_block)[index] = explained
    if not scores:
        first = names[0].partition(".")[0] if names else ""
        wrapped = len(names) > 1 and all(name.startswith(f"{first}.") for name in names)
        hint = (
            f"All begin with {quoted(f'{first}.')}: take it off if a wrapper put it there. "
            if wrapped
            else ""
        )
        raise LayerError(
            f"Found no residual block among {len(names)} names ({first_names(names)}). {two_numbers(names)}"
            f"{hint}{_closest(without_block)}The {len(FAMILIES)} known architectures are in "
            "docs/architectures.md."
        )
    return [FAMILIES[index] for index, score in scores.items() if score == max(scores.values())]


def _closest(explained: Mapping[int, int]) -> str:
    """The families that have the most of the names, if any has one."""
    most = sorted(explained, key=lambda index: -explained[index])[:_FEW]
    titles = [FAMILIES[index].title for index in most if explained[index]]
    return f"Closest: {', '.join(titles)}. " if titles else ""


def _check_whole_weights(adapter: AdapterNames, block: Mapping[str, int | None]) -> None:
    inside = sorted(name for name in adapter.whole if block[name] is not None)
    if inside:
        raise LayerError(
            f"{first_names(inside)} are whole weights beside a LoRA adapter, not updates, so they cannot be "
            "scaled without their base: merge the adapter into it first."
        )
