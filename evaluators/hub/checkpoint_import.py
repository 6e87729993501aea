"""Import of fine-tuned checkpoints for an encoder: fetched, checked, and saved as residuals."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.residual_files import (
    is_saved,
    residual_path,
    save_residual,
    saved_head,
    saved_report,
)
from evaluators.errors import LabError
from evaluators.hub.file_report import file_report, head_note
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from evaluators.hub.transfer.url_files import fetch_address
from evaluators.labs.checkpoint_report import CheckpointReport, ReportNote
from evaluators.labs.lab import CheckpointInfo, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.zoo.checkpoint_families import CheckpointFamily, find_ignoring_case
from evaluators.zoo.public_encoders import Encoder, encoder_with_shapes
from evaluators.zoo.public_tasks import IMAGENET, IMAGENET_CLASSES, HubTask
from lines_core.checkpoints import open_checkpoint
from lines_core.checkpoints.adapter import CONFIG, is_adapter, read_adapter
from lines_core.checkpoints.limits import label_of
from lines_core.clip_layouts.adapted_tower import adapted_tower
from lines_core.clip_layouts.image_tower import find_tower, image_tower
from lines_core.errors import CheckpointError
from lines_core.packed import refuse_packed
from lines_core.untrusted_text import first_names


@dataclass(frozen=True)
class CheckpointReader:
    """Reads checkpoints of one encoder from files.

    Args:
        model: the encoder's key and title.
        live: the encoder, for its layout and pre-trained weights.
        weights: content name of the pre-trained weights.
        pretrained: their file, with the text tower.
        folder: for residuals.
    """

    model: ModelInfo
    live: LiveEncoder
    weights: str
    pretrained: Path
    folder: Path

    def of_file(
        self,
        info: CheckpointInfo,
        path: Path,
        content: str,
        source: str,
        family: str = "",
        choose: str | None = None,
        notes: Sequence[ReportNote] = (),
    ) -> LoadedCheckpoint:
        """The checkpoint in a file of any known layout. Its residual is saved, so the file is read only once.

        Args:
            content: content name of the file.
            source: of the file, for messages.
            choose: which model, if the file holds several.
            notes: what is known of it from elsewhere.
        Raises: ChoiceError if it holds several and none is chosen; CheckpointError if it does not fit this
            encoder, naming the one it fits, or has a head of other classes in ImageNet's suite; LabError.
        """
        identity = f"{self.weights} {content}" if choose is None else f"{self.weights} {content} {choose}"
        residual = residual_path(self.folder, self.model.key, identity)
        if not is_saved(residual, self.live.layout):
            pretrained = self.live.pretrained()
            tensors, remarks = self._read(path, choose, pretrained)
            try:
                tower = image_tower(tensors, pretrained, self.model.title)
            except CheckpointError as error:
                raise CheckpointError(f"{error}{self._hint(tensors)}", error.mismatches) from error
            head = None if tower.head is None else ClassifierHead(tower.head[0].T, tower.head[1])
            _check_classes(info, head)
            found = file_report(tensors, tower, pretrained, self.pretrained, remarks)
            del tensors
            tau = self.live.residual_of(tower.weights)
            save_residual(residual, self.live.layout, tau, source, head, found.as_json())
        head = saved_head(residual)
        _check_classes(info, head)  # a file kept for another task earlier
        used = info.suite == IMAGENET  # the other suites have zero-shot heads
        more = [*notes, *([] if head is None else [head_note(head.weight.shape[1], used)])]
        report = _saved_report(residual)
        return LoadedCheckpoint(
            info,
            residual,
            identity,
            family,
            None if report is None else report.with_notes(more),
            head if used else None,
        )

    def _read(
        self, path: Path, choose: str | None, pretrained: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], tuple[str, ...]]:
        """The tensors of a file or folder, and notes on them; an adapter is merged into this encoder."""
        if not is_adapter(path):
            contents = open_checkpoint(path)
            tensors = contents.tensors(choose)
            refuse_packed(tensors, label_of(path))
            if any(".lora_A." in name for name in tensors):
                raise CheckpointError(
                    f"{label_of(path)} is an adapter: zip it with its {CONFIG} and give that."
                )
            return tensors, contents.notes(choose)
        adapted, outside = adapted_tower(read_adapter(path), pretrained, self.model.title)
        notes = [f"an adapter, merged into {self.model.title}"]
        if outside:
            notes.append(f"not read: {first_names(outside)}, outside the image tower")
        return adapted, tuple(notes)

    def _hint(self, tensors: Mapping[str, Tensor]) -> str:
        """A sentence with the encoder of the zoo that a checkpoint fits, empty if there is none."""
        try:
            shapes = {name: tuple(value.shape) for name, value in find_tower(tensors).weights.items()}
        except CheckpointError:
            return ""
        other = encoder_with_shapes(shapes)
        return (
            ""
            if other is None or other.key == self.model.key
            else f" It is one of {other.title}: choose that."
        )


@dataclass(frozen=True)
class CheckpointImporter(CheckpointReader):
    """Also fetches the public checkpoints of an encoder of the zoo.

    Args:
        encoder: its row in the zoo.
    """

    encoder: Encoder

    def of_family(
        self, family: CheckpointFamily, task: HubTask, progress: Progress | None, stop: threading.Event | None
    ) -> LoadedCheckpoint:
        """The checkpoint of a family for a task.

        Raises: HubError if it cannot be fetched; CheckpointError if it does not fit; LabError if it was
            fine-tuned on another task after all, or the disk is full; Cancelled.
        """
        if task.key in family.another_task:
            raise LabError(f"No checkpoint of {family.title}: {family.another_task[task.key]}.")
        place = family.hub_file(self.encoder, task)
        listed = list_files(place.repo, kind=place.kind, revision=place.revision)
        name = find_ignoring_case(place.pattern_path, listed)
        fetched = fetch(
            place.repo,
            name or place.pattern_path,  # the error for an absent file names similar ones
            kind=place.kind,
            revision=place.revision,
            progress=progress,
            stop=stop,
        )
        info = CheckpointInfo(f"{family.key}.{task.key}", task.title, task.suite)
        source = f"{fetched.repo}/{fetched.name}@{fetched.commit}"
        return self.of_file(info, fetched.path, content_of(fetched), source, family.key)

    def of_member(
        self,
        family: CheckpointFamily,
        member: str,
        task: HubTask,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> LoadedCheckpoint:
        """One of a family's several checkpoints of one task.

        Raises: as ``of_family``.
        """
        address = family.member_url(self.encoder, member)
        downloads = self.folder.parent / "downloads"
        fetched = fetch_address(address, downloads / family.key, progress=progress, stop=stop)
        info = CheckpointInfo(f"{family.key}.{member}.{task.key}", f"{task.title}, {member}", task.suite)
        return self.of_file(info, fetched.path, f"{address} {fetched.sha256}", address, family.key)


def _check_classes(info: CheckpointInfo, head: ClassifierHead | None) -> None:
    """Raises: CheckpointError if a checkpoint of ImageNet's suite has a head of other classes."""
    if info.suite == IMAGENET and head is not None and head.weight.shape[1] != IMAGENET_CLASSES:
        raise CheckpointError(
            f"The classification head has {head.weight.shape[1]:,} classes, ImageNet has "
            f"{IMAGENET_CLASSES:,}: say which task it was fine-tuned on, or remove classification_head.* "
            "from the file to use the zero-shot head."
        )


def _saved_report(residual: Path) -> CheckpointReport | None:
    """The report beside a residual; None beside one of an earlier version."""
    try:
        return CheckpointReport.from_json(saved_report(residual))
    except (ValueError, TypeError, KeyError):
        return None


def content_of(fetched: Fetched) -> str:
    """Content name of a file of the Hub."""
    return f"{fetched.repo}/{fetched.name} {fetched.etag}"
