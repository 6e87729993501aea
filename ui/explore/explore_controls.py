"""Values of the page's controls, and the EditSpec they describe."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20, TINY_CONVNEXT
from evaluators.specs.edit_spec import FREE, EditSpec
from ui.explore.free_form import factors_of

GAMMA_RANGE = (0.0, 1.0)
ALPHA_RANGE = (0.0, 1.5)
BETA_RANGE = (-1.0, 1.5)
MIX_RANGE = (0.0, 1.0)
STEP = 0.01


IMAGES = {TINY_CLIP: 200, TINY_CLIP_14: 100, TINY_CLIP_20: 100, TINY_CONVNEXT: 100}
"""Images per task that a move asks for; of a model that is not listed, all that were loaded."""


def images_of(model: str) -> int:
    """Images per task that the page asks for, 0 for all."""
    return IMAGES.get(model, 0)


@dataclass(frozen=True)
class Controls:
    """The positions of all controls, in the order in which the page hands them to its handlers.

    Args:
        model, checkpoint, shape, outside: keys.
        tie: beta = 1 - alpha, so that one slider gamma is left (paper, section 3: alpha = gamma, beta = 1 -
        gamma).
        gamma: used when tied.
        alpha, beta: used when not tied (Eq. 1).
        mix: WiSE-FT coefficient, multiplies every factor.
        free_form: with the shape "free": the factors of the blocks, as `free_form.factors_of` reads them; the
        outside rule "alpha" then means the first block's.
        pins: positions kept to compare with, see `ui/explore/pins.py`: they stand beside the controls, and
            are no part of the edit.
    """

    model: str = "tiny-clip"
    checkpoint: str = "digits"
    shape: str = "linear"
    tie: bool = True
    gamma: float = 0.5
    alpha: float = 0.5
    beta: float = 0.5
    mix: float = 1.0
    outside: str = "alpha"
    free_form: str = ""
    pins: str = ""

    def spec(self, **rest: object) -> EditSpec:
        """The edit these controls describe.

        Raises: SpecError for anything a visitor can set wrongly from outside (a link, the API of the page).
        """
        common: dict[str, Any] = {
            "model": self.model,
            "shape": self.shape,
            "mix": self.mix,
            "outside": self.outside,
            "images": images_of(self.model),
            **rest,
        }
        if self.shape == FREE:
            factors = factors_of(self.free_form)
            alpha = factors[0] if factors else 0.0
            return EditSpec(checkpoint=self.checkpoint, alpha=alpha, free_form=factors, **common)
        if self.tie:
            return EditSpec.lines(self.checkpoint, self.gamma, **common)
        return EditSpec(checkpoint=self.checkpoint, alpha=self.alpha, beta=self.beta, **common)

    def values(self) -> tuple[Any, ...]:
        """The positions in the order of ``CONTROLS``: what a handler returns to set every control."""
        return tuple(getattr(self, name) for name in CONTROLS)


CONTROLS = tuple(field.name for field in fields(Controls) if field.name != "pins")
"""Names of the controls, in the order in which the page hands them to its handlers."""
