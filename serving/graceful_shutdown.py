"""Graceful shutdown: on SIGTERM or SIGINT, run the registered steps and exit within ten seconds.

Python would wait for every worker thread, even in the middle of a forward pass, so the process exits by
``os._exit``. Only the standard library is imported, so that the handlers are installed first of all: in a
container the page is process 1, which has no default handler for SIGTERM.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio import Blocks

WITHIN = 9.0
"""Seconds for the whole shutdown; Docker kills after ten."""
STEPS = 0.9
"""Share of them for the steps."""
RESERVED = 0.1
"""Share of them that is kept for each later step; a page with open connections takes two seconds to close."""
DRAIN = 2
"""Seconds until open connections are cut when the page closes."""
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
_LOG = logging.getLogger(__name__)


class GracefulShutdown:
    """Signal handling and the steps before the process exits.

    On the first SIGTERM or SIGINT the steps run one after the other, each in its own thread, and the process
    exits: with code 0, or 1 if a step failed or timed out. On a second signal it exits at once, with 128 plus
    the signal's number.

    Args:
        within: seconds from the first signal to the exit, whatever hangs. After them ``faulthandler`` writes
            all stacks to standard error without needing the interpreter lock.
    """

    def __init__(self, within: float = WITHIN) -> None:
        self.within = within
        self._steps: list[tuple[str, Callable[[], object]]] = []
        self._signalled = threading.Event()
        self._reading, self._writing = socket.socketpair()
        self._watcher = threading.Thread(target=self._watch, name="stopping", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether a signal has arrived."""
        return self._signalled.is_set()

    def install(self) -> None:
        """Replace Python's handlers. Call it first of all, in the main thread.

        The C handler writes the signal to a socket, so it works while the main thread imports or waits.
        """
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _ignore_in_python)
        os.register_at_fork(
            before=_block_signals, after_in_parent=_unblock_signals, after_in_child=_restore_default_handlers
        )
        self._watcher.start()

    def before_exit(self, name: str, step: Callable[[], object]) -> None:
        """Add a step after those added before; steps added after the signal do not run.

        Args:
            name: name for the log.
            step: its timeout is the time that is left when it starts, but for ``RESERVED`` a later step.
        """
        self._steps.append((name, step))

    def wait(self) -> None:
        """Block the main thread until the process exits."""
        self._watcher.join()

    def _watch(self) -> None:
        number = self._next_signal()
        faulthandler.dump_traceback_later(self.within, exit=True)
        self._signalled.set()
        _LOG.info("Received %s, shutting down.", signal.Signals(number).name)
        threading.Thread(target=self._end, name="last steps", daemon=True).start()
        os._exit(128 + self._next_signal())

    def _next_signal(self) -> int:
        while True:
            number = self._reading.recv(1)[0]
            if number in SIGNALS:
                return number

    def _end(self) -> None:
        steps = tuple(self._steps)
        deadline = time.monotonic() + STEPS * self.within
        code = 0
        for position, (name, step) in enumerate(steps):
            later = len(steps) - 1 - position
            left = deadline - time.monotonic() - RESERVED * self.within * later
            if not _run_step(name, step, max(left, 0.0)):
                code = 1
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # the reader is gone
                stream.flush()
        os._exit(code)


def closing(page: Blocks, drain: int = DRAIN) -> Callable[[], None]:
    """Step that closes a launched page: no new connections, and open ones are cut after ``drain`` seconds.

    Gradio would wait for five seconds if answers are still streaming. Uvicorn's tracebacks of connections
    that are cut are not logged.
    """

    def close() -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        page.server.config.timeout_graceful_shutdown = drain
        page.close(verbose=False)

    return close


def _run_step(name: str, step: Callable[[], object], seconds: float) -> bool:
    """Run a step in a thread; whether it finished in time. ``threading.excepthook`` logs what it raises."""
    ended = threading.Event()

    def run() -> None:
        step()
        ended.set()

    began = time.monotonic()
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if ended.is_set():
        _LOG.info("%s: done in %.1f s.", name, time.monotonic() - began)
    elif thread.is_alive():
        _LOG.error("%s: timed out after %.1f s.", name, seconds)
    else:
        _LOG.error("%s: failed.", name)
    return ended.is_set()


def _ignore_in_python(number: int, frame: FrameType | None) -> None:
    """Do nothing: Python writes a signal to the socket only if it has a handler."""


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _restore_default_handlers() -> None:
    """Let a forked child exit on either signal, which the parent's socket would send to the parent instead.

    Signals are blocked from before the fork until here, since one may arrive in between.
    """
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _unblock_signals()
