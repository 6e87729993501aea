"""How one architecture names its parameters: a row of the table of families, and the patterns in it.

A pattern is a whole parameter name with these signs; everything else stands for itself:

    {i} {s}        the number of a block, of a stage, both counted from 0
    {i+1} {s-1}    the number that the name shows for block i or stage s, where that is another one
    *              any text, at least one character
    [model.]       text that may be absent; [a.|b.] for one of several, or none
    (a|b)          one of several
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property

_SIGN = re.compile(r"\{[is](?:[+-]1)?\}|[*.|()\[\]]|[^{}*.|()\[\]]+")
_REGEX = {"*": ".+", ".": r"\.", "|": "|", "(": "(?:", ")": ")", "[": "(?:", "]": ")?"}
_NUMBER = "(0|[1-9][0-9]{0,8})"


@dataclass(frozen=True)
class Tower:
    """One stack of residual blocks. Its patterns begin after `prefix`.

    Attributes:
        part: image, text, encoder or decoder.
        prefix: pattern that all names of the tower begin with.
        blocks: parameters of a residual block, numbered by {i}, or by {s} and {i}.
        before: parameters in no block that act before the first one, in depth order.
        after: parameters in no block that act after the last one, in depth order.
        between: layers that lead to stage s from the one before; they go with the first block of stage s.
        closes: layers that end stage s; they go with its last block.
        continued: whether {i} may go on counting where a stage begins.
    """

    part: str
    prefix: str
    blocks: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    between: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    continued: bool = False


@dataclass(frozen=True)
class Family:
    """One architecture: a row of `FAMILIES`.

    Attributes:
        key: short name for code.
        title: name in messages.
        towers: its stacks of blocks; of a `serial` model in the order in which they act.
        beside: patterns of parameters in no block and of no depth, such as CLIP's ``logit_scale``.
        unchanged: patterns of buffers that are no weights, such as GPT-2's masks.
        default: the part that is meant where none is given, as in the paper; empty: it has to be given.
        serial: whether each tower acts on what the one before gives, so that its weights have a depth too.
        refused: why this architecture has no depth to scale along; empty for all others.
    """

    key: str
    title: str
    towers: tuple[Tower, ...]
    beside: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    default: str = ""
    serial: bool = False
    refused: str = ""

    @cached_property
    def names(self) -> re.Pattern[str]:
        """Fits all names that any pattern of this family fits, and few others."""
        patterns = [*self.beside, *self.unchanged]
        for tower in self.towers:
            inside = (*tower.blocks, *tower.before, *tower.after, *tower.between, *tower.closes)
            patterns += [tower.prefix + pattern for pattern in inside]
        return re.compile("|".join(map(_regex, patterns)))


@dataclass(frozen=True)
class NameMatch:
    """What a pattern found in a name.

    Attributes:
        prefix: what stands before the pattern.
        numbers: those of stage and block, counted from 0.
        rest: what the pattern's last sign stands for, if that is *.
    """

    prefix: str
    numbers: tuple[int, ...]
    rest: str


def match(name: str, pattern: str, prefix: str = "") -> NameMatch | None:
    """What the pattern finds in the name after the prefix, or None if it is another name.

    >>> match("model.layer2.0.conv1.weight", "layer{s+1}.{i}.*", "[model.]")
    NameMatch(prefix='model.', numbers=(1, 0), rest='conv1.weight')
    """
    regex, offsets = _compiled(prefix, pattern)
    found = regex.fullmatch(name)
    if found is None:
        return None
    start, *shown, rest = found.groups()
    numbers = tuple(int(number) - offset for number, offset in zip(shown, offsets, strict=True))
    return NameMatch(start, numbers, rest) if min(numbers, default=0) >= 0 else None


@cache
def _compiled(prefix: str, pattern: str) -> tuple[re.Pattern[str], tuple[int, ...]]:
    offsets = tuple(int(sign[2:-1] or 0) for sign in _SIGN.findall(pattern) if sign.startswith("{"))
    rest = "(.+)" if pattern.endswith("*") else "()"
    return re.compile(f"({_regex(prefix)}){_regex(pattern.removesuffix('*'))}{rest}"), offsets


def _regex(pattern: str) -> str:
    signs = _SIGN.findall(pattern)
    return "".join(_REGEX.get(sign) or (_NUMBER if sign[0] == "{" else re.escape(sign)) for sign in signs)
