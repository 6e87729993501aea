"""Roles of edits, which decide their colour and marker on every chart."""

from __future__ import annotations

from evaluators.specs.edit_spec import EditSpec

PROBE_BLOCKS = 12
"""Roles depend on the shape of the schedule, not on L; any L >= 2 gives the same answer."""


def role_of(spec: EditSpec) -> str:
    """'pretrained' if nothing of the change is left, 'finetuned' if all of it is, 'wise_ft' if every part has
    the same factor, 'reverse' if the schedule falls with depth, else 'lines'.

    >>> role_of(EditSpec.wise_ft(mix=0.5)), role_of(EditSpec.lines(gamma=0.5))
    ('wise_ft', 'lines')
    """
    num_blocks = len(spec.free_form) if spec.free_form else PROBE_BLOCKS
    scales = spec.scales(num_blocks)
    values = {scales.before, *scales.blocks, scales.after}
    if values == {0.0}:
        return "pretrained"
    if values == {1.0}:
        return "finetuned"
    if len(values) == 1:
        return "wise_ft"
    if scales.blocks[0] > scales.blocks[-1]:
        return "reverse"
    return "lines"
