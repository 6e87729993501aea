"""Local Hub for benchmarks that run each step in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVED = "served"


@dataclass(frozen=True)
class LocalHub:
    """A running local Hub.

    Args:
        folder: whose ``served`` holds the repositories.
        environment: of processes that use it.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, step: str) -> None:
        """Run a call of a benchmark's function in a new process, with the folder in ``sys.argv[1]``.

        Raises: CalledProcessError if it fails.
        """
        call = (
            f"import sys; from pathlib import Path; from benchmarks import {step.partition('.')[0]}; {step}"
        )
        subprocess.run([sys.executable, "-c", call, str(self.folder)], env=self.environment, check=True)


@contextmanager
def local_hub() -> Iterator[LocalHub]:
    """Serve a temporary folder, which is empty at first."""
    from tests.deploy.starting import free_port
    from tests.hub.server import Hub

    folder = Path(tempfile.mkdtemp(prefix="lines-hub-"))
    try:
        hub = Hub(folder / SERVED, free_port())
        hub.root.mkdir()
        hub.start()
        environment = os.environ | {
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.port}",
            "HF_HOME": str(folder / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        yield LocalHub(folder, environment)
        hub.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
