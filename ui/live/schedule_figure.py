"""The layer schedule as bars: how much of the fine-tuning's change every block keeps.

Not a Plotly figure: it follows the slider, and `bars.js` redraws it within a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.specs.edit_spec import EditSpec, Scales
from ui.shell.roles import role_of


@dataclass(frozen=True)
class Bars:
    """One bar a label.

    Args:
        labels, values: in depth order.
        role: whose colour they have.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...]
    role: str


def positions(num_blocks: int) -> list[str]:
    """Labels on the depth axis: what comes before block 1, the blocks from 1, what comes after the last."""
    return ["in", *(str(block + 1) for block in range(num_blocks)), "out"]


def factors(scales: Scales) -> list[float]:
    """The scales in depth order: before, block 1 .. L, after."""
    return [scales.before, *scales.blocks, scales.after]


def schedule_bars(spec: EditSpec, num_blocks: int) -> Bars:
    """Bars of mix * lambda(l) by depth with the number on each; 0 is pre-trained, 1 is fine-tuned (Eq. 1)."""
    values = factors(spec.scales(num_blocks))
    return Bars(tuple(positions(num_blocks)), tuple(round(value, 4) for value in values), role_of(spec))


def schedule_alt(spec: EditSpec, num_blocks: int) -> str:
    """The bars as text for screen readers."""
    scales = spec.scales(num_blocks)
    listed = ", ".join(f"{value:.2f}" for value in scales.blocks)
    return (
        f"Bar chart of the layer schedule. Factor on the fine-tuning's change in blocks 1 to "
        f"{num_blocks}: {listed}. "
        f"Before the blocks {scales.before:.2f}, after them {scales.after:.2f}."
    )
