"""Whether what a pattern takes for residual blocks are such: numbered without a gap, alike, not nested."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lines_core.errors import LayerError
from lines_core.untrusted_text import first_names

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_NORM = re.compile(r"(?:^|[._])(?:layer_?norm|norm|ln|bn)", re.IGNORECASE)
_CONTAINERS = {"blocks", "block", "layers", "stages", "resblocks"}
_LAYER = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}

Coordinates = tuple[int, ...]


def check_numbering(coordinates: Sequence[Coordinates], continued: bool) -> None:
    """Check that sorted coordinates have no gap.

    Raises: LayerError with the first gap.
    """
    for before, after in zip([None, *coordinates], coordinates, strict=False):
        if not _follows(before, after, continued):
            raise LayerError(
                f"Blocks are numbered without a gap from 0, but {_dotted(after)} follows "
                f"{_dotted(before) if before else 'nothing'}: the checkpoint is incomplete, or "
                "not all of these are blocks."
            )


def check_residual(members: Mapping[Coordinates, Mapping[str, str]]) -> None:
    """Check that the blocks are of one kind, and hold no numbered blocks themselves.

    Args:
        members: for each block the parameters, full name by name in the block.
    Raises: LayerError that says what they are, with the two numbers if there is a second one.
    """
    blocks = list(members.values())
    if set.intersection(*(set(block) for block in blocks)) == set():
        raise LayerError(
            f"What is numbered in {first_names([*blocks[0].values()], 1)} holds no residual blocks: "
            "the entries have no parameter in common."
        )
    if all(set(block) <= _LAYER for block in blocks):
        raise LayerError(
            f"What is numbered in {first_names([*blocks[0].values()], 1)} are single layers, not residual "
            "blocks."
        )
    for coordinates, block in members.items():
        nested = _nested(block, len(coordinates))
        if nested:
            raise LayerError(
                f"{two_numbers([nested])}Blocks are never guessed: this model needs a row in "
                "lines_core/architectures."
            )


def two_numbers(names: Iterable[str]) -> str:
    """The sentence that names the numbers in the first name that has several; empty if none has.

    >>> two_numbers(["norm.weight", "blocks.0.3.norm1.weight"])
    "The numbers 0 and 3 in 'blocks.0.3.norm1.weight' could each count blocks, and no row says which. "
    """
    for name in names:
        numbers = [part for part in name.split(".") if _NUMBER.fullmatch(part)]
        if len(numbers) > 1:
            numbers = numbers[:3]
            return (
                f"The numbers {', '.join(numbers[:-1])} and {numbers[-1]} in {first_names([name])} could "
                "each count blocks, and no row says which. "
            )
    return ""


def _nested(block: Mapping[str, str], coordinates: int) -> str | None:
    """Full name of a parameter that lies in a numbered block inside the block.

    Two entries of a container with the same parameters, a norm among them, are blocks, and so is one with a
    norm if the container is called so. Experts of a feed-forward network are alike too, but have no norm.
    """
    inside: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    names: dict[str, str] = {}
    for rest, name in block.items():
        parts = rest.split(".")
        depth = next((depth for depth, part in enumerate(parts) if _NUMBER.fullmatch(part)), None)
        if depth is not None:
            container = ".".join(parts[:depth])
            inside[container][parts[depth]].add(".".join(parts[depth + 1 :]))
            names.setdefault(container, name)
    for container, entries in inside.items():
        normed = Counter(frozenset(entry) for entry in entries.values() if any(map(_NORM.search, entry)))
        alike = any(count > 1 for count in normed.values())
        called = bool(normed) and container.rpartition(".")[2] in _CONTAINERS
        if not container or (coordinates == 1 and (alike or called)):
            return names[container]
    return None


def _follows(before: Coordinates | None, after: Coordinates, continued: bool) -> bool:
    """Whether `after` is the next block: the next number, or the start of the next stage."""
    if before is None:
        return not any(after)
    if before[:-1] == after[:-1]:
        return after[-1] == before[-1] + 1
    return after[0] == before[0] + 1 and after[-1] in ((0, before[-1] + 1) if continued else (0,))


def _dotted(coordinates: Coordinates) -> str:
    return "block " + ".".join(map(str, coordinates))
