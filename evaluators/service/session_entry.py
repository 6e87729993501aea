"""What one visitor has added: checkpoints, their files, and the pages that have them."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.labs.loaded_checkpoint import LoadedCheckpoint


@dataclass
class SessionEntry:
    """What one visitor has added, in one page or in several that hold the same token.

    Args:
        folder: for its residuals.
        used: time of its last use.
        sizes: bytes by file; two tasks of one checkpoint share the file.
        reserved: bytes of each import under way.
        left: set when the last page is closed, to stop its imports.
        pages: digests of the sessions that are open, the oldest first.
        token: by which a reloaded page names itself; empty as long as no page was given one.
        closed: time at which the last page was closed; None while one is open.
    """

    folder: Path
    used: float
    checkpoints: dict[tuple[str, str], LoadedCheckpoint] = field(default_factory=dict)
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
        """Checkpoints, with imports under way."""
        return len(self.checkpoints) + len(self.reserved)
