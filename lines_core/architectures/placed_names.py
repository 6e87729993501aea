"""The names of a file as one architecture reads them: the tower and block of each, all checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lines_core.architectures.block_checks import check_numbering, check_residual, two_numbers
from lines_core.architectures.naming import Family, Tower
from lines_core.architectures.placing import END_OF_STAGE, Place, Region, is_buffer, place_of
from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names

Numbers = Mapping[tuple[int, ...], int]


@dataclass(frozen=True)
class Blocks:
    """The blocks of one part.

    Attributes:
        towers: their indices; two for "both".
        part: empty if the file has blocks of one tower only.
        count: L.
        of: the block of every name.
        after: names in no block that act after the last one.
        aside: names in no block that have no depth, such as ``logit_scale``, buffers, and towers beside.
    """

    towers: tuple[int, ...]
    part: str
    count: int
    of: Mapping[str, int | None]
    after: frozenset[str]
    aside: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """All names of a file, placed.

    Attributes:
        family: the architecture.
        places: of every name; None for a buffer that the architecture does not name.
        unchanged: buffers, which are copied.
        numbers: for each tower that has blocks, coordinates to block number.
    """

    family: Family
    places: Mapping[str, Place | None]
    unchanged: frozenset[str]
    numbers: Mapping[int, Numbers]

    def blocks(self, part: str | None) -> Blocks:
        """The blocks of one part.

        Raises: LayerError if there are several and none is chosen, there is no such part, or encoder and
            decoder are asked for together and have different numbers of blocks.
        """
        towers = self._towers(part)
        if len({len(self.numbers[tower]) for tower in towers}) > 1:
            raise LayerError(
                f"This {self.family.title} has {self._parts()}: block i is the same depth of both only where "
                "they have as many."
            )
        of: dict[str, int | None] = dict.fromkeys(self.places)
        after, aside = set(), set()
        for name, place in self.places.items():
            if (
                place is None
                or place.tower is None
                or (name in self.unchanged and place.region is not Region.BLOCK)
            ):
                aside.add(name)
            elif place.tower in towers and place.region is Region.BLOCK:
                of[name] = self.numbers[place.tower][place.coordinates]
            elif place.tower not in towers and not self.family.serial:
                aside.add(name)
            elif place.region is Region.AFTER if place.tower in towers else place.tower > max(towers):
                after.add(name)
        part = "both" if len(towers) > 1 else self.family.towers[towers[0]].part
        shown = part if len(self.numbers) > 1 else ""
        return Blocks(towers, shown, len(self.numbers[towers[0]]), of, frozenset(after), frozenset(aside))

    def has(self, part: str | None) -> bool:
        """Whether the part is there, or none is chosen."""
        parts = {self.family.towers[index].part for index in self.numbers}
        return part is None or part in parts or (part == "both" and {"encoder", "decoder"} <= parts)

    def _towers(self, part: str | None) -> tuple[int, ...]:
        towers = {self.family.towers[index].part: index for index in self.numbers}
        if part is None and len(towers) == 1:
            return tuple(towers.values())
        if part == "both" and {"encoder", "decoder"} <= towers.keys():
            return towers["encoder"], towers["decoder"]
        wanted = part or self.family.default
        if wanted in towers:
            return (towers[wanted],)
        if wanted:
            raise LayerError(f"No part {wanted!r} in this {self.family.title}: it has {self._parts()}.")
        alike = {"encoder", "decoder"} <= towers.keys() and len(set(map(len, self.numbers.values()))) == 1
        choices = [f'"{name}"' for name in (*towers, *["both"] * alike)]
        raise LayerError(
            f"This {self.family.title} has {self._parts()}: choose one with part={' or '.join(choices)}."
        )

    def _parts(self) -> str:
        towers = self.family.towers
        return ", ".join(
            f'"{towers[index].part}" of {len(blocks)} blocks' for index, blocks in self.numbers.items()
        )


def read_names(names: Sequence[str], family: Family) -> Reading:
    """Place every name and number the blocks of each tower.

    Raises: LayerError as `recognition.recognise`.
    """
    if family.refused:
        raise LayerError(f"This is {family.title}: {family.refused}.")
    places = {name: place_of(name, family) for name in names}
    unchanged = frozenset(name for name in names if is_buffer(name, family))
    unknown = [name for name, place in places.items() if place is None and name not in unchanged]
    if unknown:
        raise LayerError(
            f"Unknown parameter name in {family.title}: {first_names(unknown)}. {two_numbers(unknown)}It has "
            f"{len(names) - len(unknown)} of the {len(names)} names, and no other architecture has more. "
            "Blocks are never guessed: a new name needs a row in lines_core/architectures."
        )
    numbers: dict[int, Numbers] = {}
    for index, tower in enumerate(family.towers):
        blocks = {
            name: place
            for name, place in places.items()
            if place is not None and place.tower == index and place.region is Region.BLOCK
        }
        if blocks:
            numbers[index] = _numbered(blocks, tower, unchanged)
            ends = {stage: (stage, block) for stage, *rest in numbers[index] for block in rest}
            for name, place in blocks.items():
                if place.coordinates[-1] == END_OF_STAGE:
                    place = replace(place, coordinates=ends.get(place.coordinates[0], place.coordinates))
                if place.coordinates not in numbers[index]:
                    raise LayerError(
                        f"{first_names([name])} belongs to a stage without blocks: the checkpoint is "
                        "incomplete."
                    )
                places[name] = place
    if not numbers:
        raise LayerError(
            f"Found no residual block of {family.title} among {len(names)} names ({first_names(names)})."
        )
    return Reading(family, places, unchanged, numbers)


def _numbered(blocks: Mapping[str, Place], tower: Tower, unchanged: frozenset[str]) -> Numbers:
    """Number of each block of one tower, after all checks."""
    prefixes = sorted({place.prefix for place in blocks.values()})
    if len(prefixes) > 1:
        raise LayerError(f"The blocks have different prefixes, {prefixes}: pass one model at a time.")
    members: dict[tuple[int, ...], dict[str, str]] = {}
    for name, place in blocks.items():
        if place.rest:
            members.setdefault(place.coordinates, {})[place.rest] = name
    coordinates = sorted(members)
    check_numbering(coordinates, tower.continued)
    check_residual(members)
    return {coordinate: block for block, coordinate in enumerate(coordinates)}
