"""A fine-tuned checkpoint whose residual is saved in a file: of a public family, or a visitor's own."""

from dataclasses import dataclass
from pathlib import Path

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.labs.lab import CheckpointInfo


@dataclass(frozen=True)
class LoadedCheckpoint:
    """An imported checkpoint.

    Args:
        info: its key and title.
        residual: file of its residual.
        identity: content name of the pre-trained weights, a blank, and that of the checkpoint.
        family: key of its family; empty for a visitor's own.
        note: a peculiarity as a clause, empty unless the checkpoint was read just now.
        head: of all of ImageNet's classes, fine-tuned together with the encoder; None if the encoder was
            fine-tuned with the zero-shot heads, or on another task.
    """

    info: CheckpointInfo
    residual: Path
    identity: str
    family: str = ""
    note: str = ""
    head: ClassifierHead | None = None
