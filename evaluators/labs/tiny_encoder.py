"""The encoder of a model that ships, and the files of its checkpoints."""

from pathlib import Path

import torch
from torch import Tensor

from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import load_model
from evaluators.encoder.residual_files import mapped_residual
from evaluators.errors import LabError
from lines_core.checkpoints import compare, read_checkpoint
from lines_core.packed import is_packed, read_packed


def checkpoint_path(folder: Path, checkpoint: str) -> Path:
    """File of a checkpoint in a model's folder: full weights, or a packed residual."""
    return folder / ("compared" if is_compared(checkpoint) else "finetuned") / f"{checkpoint}.safetensors"


def is_compared(checkpoint: str) -> bool:
    """Whether a checkpoint key is of the form ``<variant>.<task>``."""
    return "." in checkpoint


class TinyEncoder(LiveEncoder):
    """The encoder of a model folder. Raises: LabError if its files do not fit together."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(load_model(folder, device), dtype)
        self.folder = folder

    def _read_residual(self, checkpoint: str) -> Tensor:
        if checkpoint in self.residual_paths:
            return mapped_residual(self.residual_paths[checkpoint], self.layout)
        path = checkpoint_path(self.folder, checkpoint)
        if not path.is_file():
            raise LabError(f"{path} is absent: checkpoint {checkpoint!r} has no weights.")
        if is_packed(path):
            shapes = {name: value.shape for name, value in self.pretrained().items()}
            return self.layout.flatten(read_packed(path, shapes))
        finetuned = read_checkpoint(path)
        compare(self.pretrained(), finetuned)
        return self.residual_of(finetuned)
