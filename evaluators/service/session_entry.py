"""What one visitor has added: checkpoints, tasks, their files, and the pages that have them."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.own_task import OwnTask
from evaluators.service.session_quota import SessionLimits
from evaluators.specs.merge_spec import task_of

Added = LoadedCheckpoint | OwnTask


def key_of(added: Added) -> str:
    """Key of a checkpoint or task."""
    return added.task.key if isinstance(added, OwnTask) else added.info.key


def file_of(added: Added) -> Path:
    """The file that it is kept in."""
    return added.path if isinstance(added, OwnTask) else added.residual


@dataclass
class SessionEntry:
    """What one visitor has added, in one page or in several that hold the same token.

    Args:
        folder: for its files.
        used: time of its last use.
        added: checkpoints and tasks by model and key.
        sizes: bytes by file; two tasks of one checkpoint share the file.
        reserved: bytes of each import under way.
        left: set when the last page is closed, to stop its imports.
        pages: digests of the sessions that are open, the oldest first.
        token: by which a reloaded page names itself; empty as long as no page was given one.
        closed: time at which the last page was closed; None while one is open.
    """

    folder: Path
    used: float
    added: dict[tuple[str, str], Added] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)
    reserved: list[int] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    pages: list[bytes] = field(default_factory=list)
    token: str = ""
    closed: float | None = None

    @property
    def bytes(self) -> int:
        """Disk space, of imports under way too."""
        return sum(self.sizes.values()) + sum(self.reserved)

    @property
    def count(self) -> int:
        """Checkpoints and tasks, with imports under way."""
        return len(self.added) + len(self.reserved)

    def expired(self, now: float, limits: SessionLimits) -> bool:
        """Whether it has not been used for long, or was closed some time ago; not while it is imported to."""
        closed = self.closed is not None and now - self.closed > limits.grace
        return not self.reserved and (closed or now - self.used > limits.seconds)

    def remove(self, model: str, key: str) -> dict[tuple[str, str], Added]:
        """Remove a checkpoint, or a task and its checkpoints, with files that nothing else uses.

        Returns: what was removed.
        """
        names = [name for name in self.added if name[0] == model and key in (name[1], task_of(name[1]))]
        removed = {name: self.added.pop(name) for name in names}
        for file in {*map(file_of, removed.values())} - {*map(file_of, self.added.values())}:
            self.sizes.pop(file, None)
            file.unlink(missing_ok=True)
        return removed
