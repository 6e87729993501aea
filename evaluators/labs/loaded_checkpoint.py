"""A fine-tuned checkpoint whose residual is saved in a file: of a public family, or a visitor's own."""

from dataclasses import dataclass
from pathlib import Path

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.labs.checkpoint_report import CheckpointReport
from evaluators.labs.lab import CheckpointInfo

REMARKABLE = ("not finite", "implausible", "identical", "rounded", "text")
"""Kinds of notes that concern the weights, not how they were stored."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """An imported checkpoint.

    Args:
        info: its key and title.
        residual: file of its residual.
        identity: content name of the pre-trained weights, a blank, and that of the checkpoint.
        family: key of its family; empty for a visitor's own.
        report: what is known of it; None if it was imported before there were reports.
        head: of all of ImageNet's classes, fine-tuned together with the encoder; None if the encoder was
            fine-tuned with the zero-shot heads, or on another task.
    """

    info: CheckpointInfo
    residual: Path
    identity: str
    family: str = ""
    report: CheckpointReport | None = None
    head: ClassifierHead | None = None

    @property
    def note(self) -> str:
        """What is remarkable about it, in a line; empty for an ordinary checkpoint."""
        return "" if self.report is None else self.report.text_of(REMARKABLE)
