"""Fine-tuned checkpoints made ready for an encoder: fetched, checked, and kept as mapped residuals."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from evaluators.errors import LabError
from evaluators.hub.residuals import is_saved, residual_path, save_residual
from evaluators.hub.transfer.access import Fetched, Progress, fetch, list_files
from evaluators.labs.lab import CheckpointInfo
from evaluators.live import LiveEncoder
from evaluators.models import TOWER
from evaluators.zoo.encoders import Encoder, fitting
from evaluators.zoo.families import CheckpointFamily, match
from evaluators.zoo.tasks import HubTask
from lines_core.checkpoints import read_checkpoint
from lines_core.errors import CheckpointError
from lines_core.towers import find_tower, image_tower, unused_differences

SAME_TEXT = 1e-3
"""Largest difference that storing in half precision can make to the text tower's weights."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that the encoder can carry.

    Args:
        info: as a spec and the page name it.
        residual: file of its mapped residual.
        identity: names checkpoint and pre-trained weights by content.
        family: key of the family it is from; empty for a visitor's own.
        note: what is odd about it, as a clause; told once, when it is read for the first time.
    """

    info: CheckpointInfo
    residual: Path
    identity: str
    family: str = ""
    note: str = ""


@dataclass(frozen=True)
class Workshop:
    """Where checkpoints become residuals.

    Args:
        encoder: its row in the zoo.
        live: the encoder itself, for its layout and pre-trained weights.
        weights: content name of the pre-trained weights.
        pretrained: the file they are in, whole, with the text tower.
        folder: for residuals.
    """

    encoder: Encoder
    live: LiveEncoder
    weights: str
    pretrained: Path
    folder: Path

    def of_family(
        self, family: CheckpointFamily, task: HubTask, progress: Progress | None, stop: threading.Event | None
    ) -> LoadedCheckpoint:
        """The checkpoint that a family has for a task.

        Raises: HubError if it cannot be had; CheckpointError if it does not fit; LabError if it was
            fine-tuned on another task after all, or the disk is full; Cancelled.
        """
        if task.key in family.another_task:
            raise LabError(f"No checkpoint of {family.title}: {family.another_task[task.key]}.")
        place = family.place(self.encoder, task)
        listed = list_files(place.repo, kind=place.kind, revision=place.revision)
        name = match(place.pattern_path, listed)
        fetched = fetch(
            place.repo,
            name or place.pattern_path,  # the Hub's answer to a name that is absent says what there is
            kind=place.kind,
            revision=place.revision,
            progress=progress,
            stop=stop,
        )
        info = CheckpointInfo(f"{family.key}.{task.key}", task.title, "tasks")
        source = f"{fetched.repo}/{fetched.name}@{fetched.commit}"
        return self.of_file(info, fetched.path, content_of(fetched), source, family.key)

    def of_file(
        self, info: CheckpointInfo, path: Path, content: str, source: str, family: str = ""
    ) -> LoadedCheckpoint:
        """The checkpoint in a file, of whatever known layout; kept so that the file is read only once.

        Args:
            content: names the file by content.
            source: where it came from, in words.
        Raises: CheckpointError if it does not fit this encoder, with the one that it does fit; LabError.
        """
        identity = f"{self.weights} {content}"
        residual = residual_path(self.folder, self.encoder.key, identity)
        note = ""
        if not is_saved(residual, self.live.layout):
            tensors = read_checkpoint(path)
            try:
                tower = image_tower(tensors, self.live.pretrained(), self.encoder.title)
            except CheckpointError as error:
                raise CheckpointError(f"{error}{self._hint(tensors)}", error.mismatches) from error
            note = self._text_note(tensors)
            del tensors
            save_residual(residual, self.live.layout, self.live.residual_of(tower.weights), source)
        return LoadedCheckpoint(info, residual, identity, family, note)

    def _text_note(self, tensors: Mapping[str, Tensor]) -> str:
        """A clause if the text tower beside the image tower is not the pre-trained one that heads are of."""
        if self.pretrained.suffix != ".safetensors":
            return ""
        with safe_open(self.pretrained, "pt") as stored:
            names = [name for name in stored.keys() if not name.startswith(TOWER)]  # noqa: SIM118
            text = {name: stored.get_tensor(name) for name in names}
        differences = unused_differences(tensors, text)
        worst = max(differences, key=lambda name: differences[name], default="")
        if not worst or differences[worst] <= SAME_TEXT:
            return ""
        return (
            f"its {worst} is up to {differences[worst]:.2g} away from the pre-trained one: it began from "
            "other weights, or its text tower was trained too"
        )

    def _hint(self, tensors: Mapping[str, Tensor]) -> str:
        """Which encoder of the zoo a checkpoint that does not fit this one belongs to, as a sentence."""
        try:
            shapes = {name: tuple(value.shape) for name, value in find_tower(tensors).weights.items()}
        except CheckpointError:
            return ""
        other = fitting(shapes)
        return "" if other is None or other == self.encoder else f" It is one of {other.title}: choose that."


def content_of(fetched: Fetched) -> str:
    """Names a file of the Hub by content."""
    return f"{fetched.repo}/{fetched.name} {fetched.etag}"
