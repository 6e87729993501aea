"""Starts a page as a process of its own, in an environment that the test chooses, and ends it."""

import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gradio_client import Client

from tests.waiting import WATCHDOG

FIRST_GIVEN, PORTS = 32768, 12_000
"""The first port that Linux gives; below are those of its programs, of Ray's workers the last, to 19999."""


@dataclass(frozen=True)
class Page:
    """A process that serves the page, or is about to, and the file that takes what it writes."""

    address: str
    process: subprocess.Popen[bytes]
    output: Path

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds. Raises: RuntimeError if the process ends or the time is up."""
        end = time.monotonic() + WATCHDOG
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The page did not get there:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> int:
        """Send SIGTERM and wait for the process to end. Returns: its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WATCHDOG)

    def log(self) -> str:
        """What the process has written so far."""
        return self.output.read_text("utf-8")


def free_port() -> int:
    """A TCP port that nobody listens on, and that the system gives to nobody who asks for any.

    One of those that it gives, from ``FIRST_GIVEN`` on, may be another's before the test listens on it.
    """
    while True:
        port = FIRST_GIVEN - 1 - secrets.randbelow(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(address: str) -> bool:
    """Whether the server answers a request for its page."""
    try:
        with urllib.request.urlopen(address, timeout=30) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def visiting(address: str) -> Client:
    """A visitor of a page, who waits for an answer as long as a test does; gradio_client waits 5 seconds."""
    return Client(address, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": WATCHDOG})


@contextmanager
def starting(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str], output: Path
) -> Iterator[Page]:
    """Run a page until the block ends, which begins at once; arguments as for ``started``."""
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Page(f"http://127.0.0.1:{port}", process, output)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def started(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str], output: Path
) -> Iterator[Page]:
    """Run a page until the block ends, which begins when the page answers.

    Args:
        command: the whole command line.
        port: the port in that command line.
        folder: working directory.
        environment: all environment variables of the process.
        output: file for standard output and error.
    Raises: RuntimeError with its output if the process ends or does not answer.
    """
    with starting(command, port, folder, environment, output) as page:
        page.wait_until(lambda: answers(page.address))
        yield page
