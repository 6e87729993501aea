"""The weights of an edit, computed beside the live model rather than in it."""

import torch
from torch import Tensor

from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.export.edit_sources import residual_of
from evaluators.specs.edit_spec import EditSpec
from lines_core.editing import LayerEditor


@torch.no_grad()
def edited_weights(encoder: LiveEncoder, spec: EditSpec) -> dict[str, Tensor]:
    """theta_0 + c(l) * tau by open_clip's names, float32, with the segments and passes of a live edit.

    Bit-equal to what the live model carries in float32; one that runs in a narrower dtype carries these
    numbers rounded. No lock is needed: the live vector is not touched, and nobody writes to theta_0 or tau.

    Raises: SpecError if the spec has another number of blocks; LabError and CheckpointError as
        ``LiveEncoder.residual``.
    Cost: an edit, and twice the tower's memory on its device until the first copy is given back.
    """
    layout = encoder.layout
    scales = spec.scales(layout.num_blocks)
    pretrained = layout.flatten(encoder.pretrained())
    if not any((*scales.blocks, scales.before, scales.after)):
        return layout.unflatten(pretrained)
    edited = torch.empty_like(pretrained)
    blocks = torch.tensor(scales.blocks, dtype=torch.float64)
    editor = LayerEditor(layout, pretrained, edited)
    editor.apply(residual_of(encoder, spec), blocks, scales.before, scales.after)
    return layout.unflatten(edited)
