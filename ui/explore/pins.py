"""Pins: up to three positions that a visitor keeps to compare with, as one short text in the link.

    A:tiny-clip:digits:linear:0.4:0.6,B:tiny-clip:faces:flat:1:0:0.5:depth

is a letter, the model, the checkpoint, the scaling function, α and β, then the mix and the rule for the parts
outside the blocks, which may be left out where they are the usual ones. A free-form schedule has its factors,
``free:0.1_0.25_1``, in place of α and β.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import FREE, EditSpec
from lines_core.untrusted_text import excerpt
from ui.address.page_link import MOST_SAID, WrongEntry
from ui.explore.explore_controls import ALPHA_RANGE, BETA_RANGE, MIX_RANGE, Controls

LETTERS = "ABC"
EXAMPLE = "A:tiny-clip:digits:linear:0.4:0.6"
DAMAGED = "The link's pins should be like {example}, but “{said}” {wrong}."
GONE = (
    "The link's pin {letter} is of “{checkpoint}” of “{model}”, "
    "which is not loaded here, or has other blocks."
)
USUAL = (1.0, "alpha")
"""Mix and outside rule that the link leaves out."""
LONGEST = 1000
"""Characters that are read."""


@dataclass(frozen=True)
class Pin:
    """A kept position.

    Args:
        letter: one of ``LETTERS``.
        spec: the edit, which also says of which model, checkpoint and split it is.
    """

    letter: str
    spec: EditSpec


def pins_text(pins: Iterable[Pin]) -> str:
    """Pins as the link says them, the inverse of ``read_pins``."""
    return ",".join(map(_said, pins))


@lru_cache(maxsize=1024)
def read_pins(said: str) -> tuple[tuple[Pin, ...], tuple[str, ...]]:
    """Pins of a text, and a complaint in plain words for every entry that is none.

    Whether their models and checkpoints exist is not looked at: see ``pins_here``.
    """
    pins: list[Pin] = []
    complaints = []
    for entry in filter(None, said[:LONGEST].split(",")):
        try:
            pin = _read(entry)
            if pin.letter in [one.letter for one in pins]:
                raise WrongEntry(f"names {pin.letter} twice")
            pins.append(pin)
        except WrongEntry as wrong:
            shown = excerpt(entry, MOST_SAID)
            complaints.append(DAMAGED.format(example=EXAMPLE, said=shown, wrong=wrong))
    return tuple(sorted(pins, key=lambda pin: pin.letter)), tuple(complaints)


def pins_here(studio: Studio, said: str) -> tuple[str, list[str]]:
    """The pins of a link that this server has the models and checkpoints of, and complaints about others."""
    pins, complaints = read_pins(said)
    known = {
        (model.key, checkpoint.key): model.num_blocks
        for model in studio.models()
        for checkpoint in studio.checkpoints(model.key)
    }
    there = [pin for pin in pins if _fits(pin.spec, known.get((pin.spec.model, pin.spec.checkpoint), 0))]
    gone = [
        GONE.format(
            letter=pin.letter,
            checkpoint=excerpt(pin.spec.checkpoint, MOST_SAID),
            model=excerpt(pin.spec.model, MOST_SAID),
        )
        for pin in pins
        if pin not in there
    ]
    return pins_text(there), [*complaints, *gone]


def pinned(said: str, here: Controls) -> str:
    """The pins and the position that the controls are at, under the first free letter.

    Nothing changes if the position is a pin already, or no letter is free.
    Raises: SpecError if the controls are at no position.
    """
    pins, _ = read_pins(said)
    spec = here.spec()
    free = [letter for letter in LETTERS if letter not in [pin.letter for pin in pins]]
    if not free or spec in [pin.spec for pin in pins]:
        return pins_text(pins)
    return pins_text(sorted([*pins, Pin(free[0], spec)], key=lambda pin: pin.letter))


def unpinned(said: str, letter: str) -> str:
    """The pins without one of them."""
    return pins_text(pin for pin in read_pins(said)[0] if pin.letter != letter)


def _fits(spec: EditSpec, num_blocks: int) -> bool:
    return num_blocks > 0 and (spec.free_form is None or len(spec.free_form) == num_blocks)


def _said(pin: Pin) -> str:
    spec = pin.spec
    rest = [] if (spec.mix, spec.outside) == USUAL else [_number(spec.mix)]
    rest += [] if spec.outside == USUAL[1] else [spec.outside]
    numbers = [_number(spec.alpha), _number(spec.beta)]
    if spec.free_form is not None:
        numbers = ["_".join(map(_number, spec.free_form))]
    return ":".join([pin.letter, spec.model, spec.checkpoint, spec.shape, *numbers, *rest])


def _number(value: float) -> str:
    return f"{value:.9g}"


def _read(entry: str) -> Pin:
    """One pin. Raises: WrongEntry, whose text follows upon the entry in a sentence."""
    parts = entry.split(":")
    free_form = parts.pop(4).replace("_", ",") if len(parts) > 4 and parts[3] == FREE else ""
    if free_form:
        parts[4:4] = ["0", "0"]
    if not 6 <= len(parts) <= 8:
        raise WrongEntry(f"has {len(parts)} parts")
    letter, model, checkpoint, shape, *rest = parts
    if len(letter) != 1 or letter not in LETTERS:
        raise WrongEntry(f"begins with none of {', '.join(LETTERS)}")
    numbers = {}
    for name, text, (low, high) in zip(
        ("α", "β", "mix"), rest, (ALPHA_RANGE, BETA_RANGE, MIX_RANGE), strict=False
    ):
        try:
            numbers[name] = float(text)
        except ValueError as error:
            raise WrongEntry(f"has no number for {name}") from error
        if not low <= numbers[name] <= high:
            raise WrongEntry(f"has {name} outside of {low:g} to {high:g}")
    outside = rest[3] if len(rest) > 3 else USUAL[1]
    try:
        line = (numbers["α"], numbers["β"], numbers.get("mix", USUAL[0]))
        here = Controls(model, checkpoint, shape, False, 0.0, *line, outside, free_form)
        return Pin(letter, here.spec())
    except SpecError as error:
        raise WrongEntry(f"names what there is not: {error}".rstrip(".")) from error
