"""Merged residuals that the workers of one machine share: each is made once there, and mapped by all.

They are files, not objects of a worker: those would be lost with the worker that made them.
"""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from torch import Tensor

from evaluators.encoder.residual_files import is_saved, mapped_residual, save_residual
from evaluators.errors import LabError
from evaluators.specs.merge_spec import MergeSpec
from lines_core.flat import FlatLayout

MOST_BYTES = 8 << 30
"""Of the files of one folder; beyond that the merges made first are deleted."""


def own_folder() -> Path:
    """A folder of this user among the machine's temporary files, which nobody else may write to.

    Raises: LabError if somebody else has made it.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"lines-merges-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user or found.st_mode & 0o022:
        raise LabError(f"{folder} is not a folder that belongs to this user alone: delete it.")
    return folder


class NodeMerges:
    """Merges of the checkpoints of one encoder. Safe with any number of processes and threads.

    Args:
        folder: that the processes share.
        content: names the checkpoints by what they hold.
        layout: of a residual.
        most_bytes: kept in the folder.
    """

    def __init__(self, folder: Path, content: str, layout: FlatLayout, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._content = content
        self._layout = layout
        self._most_bytes = most_bytes

    def get(self, spec: MergeSpec, make: Callable[[], Tensor]) -> Tensor:
        """The merged residual, memory-mapped, float32 (numel,); made by one process, the others wait for it.

        Raises: LabError if it cannot be written; what ``make`` raises.
        """
        named = json.dumps([self._content, spec.as_dict()], sort_keys=True)
        path = self._folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.safetensors"
        with FileLock(f"{path}.lock"):
            if not is_saved(path, self._layout):
                self._make_room()
                save_residual(
                    path, self._layout, make().cpu(), f"the merge of {len(spec.checkpoints)} models"
                )
            return mapped_residual(path, self._layout)

    def _make_room(self) -> None:
        """Delete the merges made first until one more fits; who has mapped one keeps it."""
        files = sorted(self._folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        left = self._most_bytes - 4 * self._layout.numel - sum(path.stat().st_size for path in files)
        for path in files:
            if left >= 0:
                return
            left += path.stat().st_size
            path.unlink(missing_ok=True)
