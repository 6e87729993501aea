"""Values of the page's controls, and the EditSpec they describe."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.errors import SpecError
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.specs.edit_spec import EditSpec

NUMBERS = {"gamma": "γ", "alpha": "α", "beta": "β", "mix": "the WiSE-FT mix"}
"""Controls with a number field, by the name on the page."""
GAMMA_RANGE = (0.0, 1.0)
ALPHA_RANGE = (0.0, 1.5)
BETA_RANGE = (-1.0, 1.5)
MIX_RANGE = (0.0, 1.0)
STEP = 0.01


IMAGES = {TINY_CLIP: 200}
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

    def spec(self, **rest: object) -> EditSpec:
        """The edit these controls describe.

        Raises: SpecError for anything a visitor can set wrongly from outside (a link, the API of the page).
        """
        for name, symbol in NUMBERS.items():
            if getattr(self, name) is None:  # an emptied number field
                raise SpecError(f"Enter a number for {symbol}.")
        alpha, beta = (self.gamma, 1.0 - self.gamma) if self.tie else (self.alpha, self.beta)
        return EditSpec(
            model=self.model,
            checkpoint=self.checkpoint,
            shape=self.shape,
            alpha=alpha,
            beta=beta,
            mix=self.mix,
            outside=self.outside,
            **{"images": images_of(self.model), **rest},  # type: ignore[arg-type]
        )

    def values(self) -> tuple[str, str, str, bool, float, float, float, float, str]:
        """The positions in field order: what a handler returns to set every control."""
        return (
            self.model,
            self.checkpoint,
            self.shape,
            self.tie,
            self.gamma,
            self.alpha,
            self.beta,
            self.mix,
            self.outside,
        )
