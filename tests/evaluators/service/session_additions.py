"""Checkpoints that sessions add, for the tests of what becomes of them."""

import torch
from safetensors.torch import save_file

from evaluators.labs.lab import CheckpointInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.service.session_checkpoints import SessionCheckpoints
from evaluators.service.session_quota import SessionLimits

MODEL = "ViT-B-32"
SMALL = SessionLimits(session_bytes=1000, session_count=2, total_bytes=1500, seconds=60.0, grace=10.0)


def find(checkpoints: SessionCheckpoints, session: str, model: str, key: str) -> LoadedCheckpoint | None:
    """The session's checkpoint of that key, None if it has none."""
    return next((one for one in checkpoints.of_model(session, model) if one.info.key == key), None)


def added(
    checkpoints: SessionCheckpoints, session: str, key: str = "own-1.mnist", size: int = 100
) -> LoadedCheckpoint:
    """A checkpoint that a session has added, with a real file."""
    with checkpoints.reserve(session, size):
        path = checkpoints.folder(session) / f"{key}.safetensors"
        save_file({"residual": torch.arange(8.0)}, path)
        checkpoint = LoadedCheckpoint(CheckpointInfo(key, key, "tasks"), path, key)
        checkpoints.add(session, MODEL, checkpoint, size)
    return checkpoint
