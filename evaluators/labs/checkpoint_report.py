"""What is known of an imported checkpoint: how far fine-tuning moved each block, and remarks on its file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class ReportNote:
    """One thing to know about a checkpoint.

    Attributes:
        kind: that of an ``UpdateNote``, or "head", "projection", "file" or "activation".
        text: one or two sentences.
        warning: whether it puts the checkpoint's results in question.
    """

    kind: str
    text: str
    warning: bool = False


@dataclass(frozen=True)
class CheckpointReport:
    """A checkpoint compared with the pre-trained weights.

    Attributes:
        layout: whose names the file has.
        dtype: of the image tower in the file; several joined by commas.
        blocks: ||tau|| / ||theta_0|| of each residual block, shallowest first.
        outside: the same of the image tower's parameters in no block.
        total: the same of the whole image tower.
        notes: warnings first.
    """

    layout: str
    dtype: str
    blocks: tuple[float, ...]
    outside: float
    total: float
    notes: tuple[ReportNote, ...] = ()

    @property
    def implausible(self) -> bool:
        """Whether it hardly comes from these pre-trained weights."""
        return any(note.kind == "implausible" for note in self.notes)

    def with_notes(self, more: Sequence[ReportNote]) -> "CheckpointReport":
        """The same with more notes, warnings first."""
        ordered = sorted((*self.notes, *more), key=lambda note: not note.warning)
        return replace(self, notes=tuple(ordered))

    def text_of(self, kinds: Sequence[str]) -> str:
        """The notes of some kinds, one after the other."""
        return " ".join(note.text for note in self.notes if note.kind in kinds)

    def as_json(self) -> str:
        """As text, for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "CheckpointReport":
        """Raises: ValueError, TypeError or KeyError if it is none."""
        fields = json.loads(text)
        notes = tuple(ReportNote(**note) for note in fields.pop("notes"))
        return cls(**fields | {"blocks": tuple(fields["blocks"]), "notes": notes})
