"""Report on a visitor's file: norms of its update by block, and notes on what was read and what was not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from evaluators.encoder.open_clip_folder import TOWER
from evaluators.labs.checkpoint_report import CheckpointReport, ReportNote
from lines_core.architectures import recognise
from lines_core.clip_layouts.image_tower import ImageTower
from lines_core.clip_layouts.text_tower import text_tower
from lines_core.update_norms import update_norms
from lines_core.update_notes import UpdateNote, update_notes

HEADS = "Class names are still encoded by the pre-trained text tower."
PROJECTION = (
    "The file ends before the projection to the space of texts; that of the pre-trained model is used, as it "
    "was when such a tower was fine-tuned."
)
_TEXT_KINDS = ("text", "not finite")


def file_report(
    tensors: Mapping[str, Tensor],
    tower: ImageTower,
    pretrained: Mapping[str, Tensor],
    weights: Path,
    notes: Sequence[str],
) -> CheckpointReport:
    """What is known of a checkpoint from its file alone.

    Args:
        tensors: all that the file holds.
        tower: its image tower.
        pretrained: the encoder's image tower.
        weights: file of the whole pre-trained model; its text tower is compared if it is of safetensors.
        notes: of the reader, on what was peeled and skipped.
    Raises: CheckpointError if the text tower has another shape.
    Cost: one read of both models.
    """
    norms = update_norms(pretrained, tower.weights, recognise(list(pretrained)).block)
    own = {name: tensor for name, tensor in tower.weights.items() if name not in tower.borrowed}
    dtypes = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in own.values()})
    found = [_noted(note) for note in (*update_notes(norms), *_text_notes(tensors, tower, weights))]
    if tower.borrowed:
        found.append(ReportNote("projection", PROJECTION))
    found += [ReportNote("file", f"{note[:1].upper()}{note[1:]}.") for note in notes]
    report = CheckpointReport(
        tower.layout,
        ", ".join(dtypes),
        tuple(block.relative for block in norms.blocks),
        norms.outside.relative,
        norms.total.relative,
    )
    return report.with_notes(found)


def head_note(classes: int, used: bool) -> ReportNote:
    """Whether a checkpoint's own head of so many classes is used, and what stands in its place."""
    if used:
        text = f"Its own classification head of {classes:,} classes is used, and edited with the last blocks."
    else:
        text = (
            f"Its own classification head of {classes:,} classes is not used: classes are told apart by "
            "their names, with the pre-trained text tower."
        )
    return ReportNote("head", text)


def _text_notes(tensors: Mapping[str, Tensor], tower: ImageTower, weights: Path) -> list[UpdateNote]:
    if weights.suffix != ".safetensors" or not tower.unused:
        return []
    with safe_open(weights, "pt") as stored:
        names = [name for name in stored.keys() if not name.startswith(TOWER)]  # noqa: SIM118
        pretrained = {name: stored.get_tensor(name) for name in names}
    found = text_tower(tensors, tower.unused, pretrained)
    notes = update_notes(update_norms(pretrained, found, dict.fromkeys(found)), list(found))
    return [note for note in notes if note.kind in _TEXT_KINDS]


def _noted(note: UpdateNote) -> ReportNote:
    text = f"{note.text} {HEADS}" if note.kind == "text" else note.text
    return ReportNote(note.kind, text, warning=note.kind != "text")
