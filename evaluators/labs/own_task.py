"""A task that is not built in: of a visitor, or of whoever starts the app. Its images and head are a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.image_subset import Subset
from evaluators.data.task_list import Task
from evaluators.errors import LabError
from lines_core.atomic_write import atomic_write

OWN_TASK = "task-"
"""How the key of such a task begins; a secret follows, so that nobody else can name a visitor's."""


@dataclass(frozen=True)
class OwnTask:
    """A task for one encoder.

    Args:
        task: its key, title, classes and prompts.
        path: of its file.
        val, test: number of images of either split.
        weights: content name of the pre-trained weights that its head was made with.
        identity: content name of its images and labels.
        public: whether every visitor has it.
    """

    task: Task
    path: Path
    val: int
    test: int
    weights: str
    identity: str
    public: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Images by split."""
        return {"val": self.val, "test": self.test}

    def subset(self, split: str) -> Subset:
        """Images of a split, mapped from the file. Raises: LabError if it is damaged or gone."""
        return Subset(self._read(f"{split}.images"), self._read(f"{split}.labels"))

    def head(self) -> Tensor:
        """Its zero-shot head, (D, classes). Raises: as ``subset``."""
        return self._read("head")

    def _read(self, name: str) -> Tensor:
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                tensor: Tensor = file.get_tensor(name)
                return tensor
        except (SafetensorError, OSError) as error:
            raise LabError(f"The images of {self.task.title} are gone: add them again.") from error


def save_own_task(path: Path, splits: Mapping[str, Subset], head: Tensor) -> None:
    """Write the file of a task, whole or not at all.

    Raises: LabError if the disk is full or read-only.
    """
    named = {"head": head.contiguous().cpu()}
    for split, subset in splits.items():
        named |= {f"{split}.images": subset.images.contiguous(), f"{split}.labels": subset.labels}
    try:
        atomic_write(path, lambda partial: safetensors.torch.save_file(named, partial))
    except (OSError, SafetensorError) as error:  # safetensors raises the latter for a full disk
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"The images of the task cannot be kept: {reason}.") from error
