"""A Python process beside a cluster."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import Any

from tests.cluster.ray_nodes import RayNodes
from tests.waiting import WATCHDOG, soon


class Driver:
    """The process, killed at the end of its block, or by a watchdog.

    Its standard error goes to a file, since it would stand still at a full pipe that nobody reads.

    Args:
        folder: to work in.
        code, arguments: of the program.
    """

    def __init__(self, nodes: RayNodes, folder: Path, code: str, arguments: Sequence[str]) -> None:
        descriptor, name = mkstemp(".txt", "driver-", folder)
        self._errors = Path(name)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=nodes.environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            text=True,
        )
        self._watchdog = threading.Timer(WATCHDOG, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> "Driver":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()

    def errors(self) -> str:
        """What it has written to standard error so far."""
        return self._errors.read_text("utf-8", "replace")

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until ``condition()`` holds. Raises: AssertionError if the process ends before, or never."""

        def held() -> bool:
            if condition():
                return True
            assert self._process.poll() is None, f"the process has ended: {self.errors()}"
            return False

        soon(held, WATCHDOG, pause=0.05)

    def told(self) -> Any:
        """The next line that it prints, which is JSON. Raises: AssertionError if it ends without any."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process has ended: {self.errors()}"
        return json.loads(line)

    def end(self) -> None:
        """Wait until it has ended. Raises: AssertionError unless that is well."""
        code = self._process.wait()
        assert code == 0, self.errors()

    def kill(self) -> None:
        """End it as the system does that needs its memory."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
