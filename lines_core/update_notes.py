"""What the size of an update says about a checkpoint, in words that the page and `lines inspect` share."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from lines_core.untrusted_text import first_names
from lines_core.update_norms import UpdateNorms

IMPLAUSIBLE = 0.5
"""Relative norm from which a checkpoint hardly comes from these pretrained weights."""
ORDINARY = (0.004, 0.23)
"""Relative norms measured on public fine-tunings."""


@dataclass(frozen=True)
class UpdateNote:
    """One thing to know about a checkpoint.

    Attributes:
        kind: "not finite", "implausible", "identical", "rounded" or "text".
        text: one or two sentences.
    """

    kind: str
    text: str


def update_notes(norms: UpdateNorms, text: Collection[str] = ()) -> tuple[UpdateNote, ...]:
    """What is remarkable about an update; empty for an ordinary one.

    A copy in half precision is not taken for a change: a bf16 copy of CLIP's unchanged logit_scale differs by
    0.003 to 0.011.

    Args:
        norms: of the whole checkpoint.
        text: names of the parameters of the text tower, if there is one.
    """
    notes = []
    relative = norms.total.relative
    broken = [name for name, norm in norms.by_name.items() if not math.isfinite(norm.residual)]
    if broken:
        notes.append(UpdateNote("not finite", f"{first_names(broken)} hold NaN or infinity."))
    elif norms.total.residual == 0.0:
        notes.append(
            UpdateNote("identical", "Identical to the pre-trained model: there is nothing to scale.")
        )
    elif norms.total.rounded:
        notes.append(
            UpdateNote("rounded", "The pre-trained model in half precision: only the rounding differs.")
        )
    elif relative >= IMPLAUSIBLE:
        notes.append(
            UpdateNote(
                "implausible",
                f"The change is {relative:.0%} of the pre-trained weights (norms), that of ordinary "
                f"fine-tunings {100 * ORDINARY[0]:g} to {ORDINARY[1]:.0%}: it probably comes from another "
                "pre-training.",
            )
        )
    changed = [name for name in text if name in norms.by_name and not norms.by_name[name].rounded]
    if changed:
        notes.append(
            UpdateNote(
                "text",
                f"The text tower was fine-tuned too ({first_names(changed, limit=2)}): its update is "
                f"{norms.of(text).relative:.2g} of its weights.",
            )
        )
    return tuple(notes)
