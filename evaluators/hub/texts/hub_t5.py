"""A public T5 to edit, and its fine-tuned checkpoints as residuals."""

import threading
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.task_list import LANGUAGE
from evaluators.encoder.autotune import TimedBlock, cached_config
from evaluators.encoder.live_t5 import LiveT5
from evaluators.encoder.residual_files import is_saved, mapped_residual, residual_path, save_residual
from evaluators.encoder.t5_folder import T5Files, load_t5
from evaluators.encoder.t5_weights import T5Weights
from evaluators.hub.texts.t5_repository import fetch_weights
from evaluators.hub.transfer.parallel_calls import Progress
from evaluators.labs.lab import CheckpointInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.specs.resolved_spec import ResidualSpec
from evaluators.zoo.public_texts import GLUE, GlueTask, TextModel
from lines_core.checkpoints import compare

TIMED_TOKENS = 64
"""Of a question of GLUE, about."""
SPARE = 4
"""A checkpoint's file is at most so many times the size of the weights in float32."""


def most_bytes(row: TextModel) -> int:
    """Largest file of weights that is fetched for a model."""
    return SPARE * 4 * row.parameters


class HubT5(LiveT5):
    """A public T5; its residuals are memory-mapped from ``residual_paths``.

    Args:
        row: of the zoo.
        files: of the pre-trained model.
        identity: content name of the weights.
        device: that it runs on.
        configs: folder where the measured dtype is kept.
    Raises: LabError if the files are damaged, or not of a T5.
    """

    def __init__(
        self, row: TextModel, files: T5Files, identity: str, device: torch.device, configs: Path
    ) -> None:
        loaded = load_t5(files, device, row.title, row.most_tokens)
        block = TimedBlock(loaded.model.encoder.block[0].layer[-1], TIMED_TOKENS, loaded.model.config.d_model)
        config = cached_config(configs / f"{row.key}-{device.type}.json", block, device)
        self.dtype = torch.float32 if config.dtype == torch.float16 else config.dtype  # which T5 overflows
        super().__init__(loaded, self.dtype)
        self.row = row
        self.files = files
        self.identity = identity
        self.device = device
        self.chunk = config.chunk

    def residual_cost(self, of: ResidualSpec) -> int:
        """Bytes of memory that a residual takes: none for a mapped file."""
        return 0 if isinstance(of, str) and self.device.type == "cpu" else super().residual_cost(of)

    def _read_residual(self, checkpoint: str) -> Tensor:
        return mapped_residual(self.residual_paths[checkpoint], self.layout)


@dataclass(frozen=True)
class T5Importer:
    """Fetches the checkpoints of a T5 and keeps them as residuals.

    Args:
        live: the model.
        folder: for residuals.
    """

    live: HubT5
    folder: Path

    def of_task(
        self, task: GlueTask, progress: Progress | None = None, stop: threading.Event | None = None
    ) -> LoadedCheckpoint:
        """The checkpoint that was fine-tuned on a task.

        Raises: HubError if it cannot be fetched or is a pickle; CheckpointError if it does not fit; LabError
            if the disk is full; Cancelled. Nothing is written then.
        """
        row, live = self.live.row, self.live
        repo = row.checkpoints.format(task=task.key)
        fetched = fetch_weights(repo, row.revision, progress, stop, most_bytes(row))
        identity = f"{live.identity} {fetched.identity}"
        path = residual_path(self.folder, row.key, identity)
        if not is_saved(path, live.layout):
            weights = T5Weights(fetched.path)
            compare(live.pretrained(), weights, row.title)
            save_residual(path, live.layout, live.residual_of(weights), fetched.source)
        info = CheckpointInfo(f"{GLUE}.{task.key}", task.title, LANGUAGE)
        return LoadedCheckpoint(info, path, identity, GLUE)
