"""Start the page as a process of its own, in an environment and as a user that the test chooses."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.driving import answers

PATIENCE = 180.0
"""Seconds for the page to answer: generous, because tests share the machine with whatever runs on it."""


@dataclass(frozen=True)
class Page:
    """A page that answers, and the process that serves it."""

    address: str
    process: subprocess.Popen[bytes]
    output: Path

    def stop(self) -> tuple[int, float]:
        """Tell it to stop by SIGTERM. Returns: the exit code, and the seconds until the process was gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        return code, time.monotonic() - began

    def said(self) -> str:
        """What the process has written so far."""
        return self.output.read_text("utf-8")


@contextmanager
def started(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str], output: Path
) -> Iterator[Page]:
    """Run a page until the block ends.

    Args:
        command: the whole command line.
        port: that it is going to listen on.
        folder: it is started in.
        environment: of the process, and nothing else.
        output: file that takes what it writes.
    Raises: RuntimeError with its output if it ends or stays silent.
    """
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    page = Page(f"http://127.0.0.1:{port}", process, output)
    try:
        until = time.monotonic() + PATIENCE
        while not answers(page.address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The page did not start:\n{page.said()}")
            time.sleep(0.05)
        yield page
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
