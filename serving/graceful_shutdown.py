"""A graceful stop: told to end, the process does what is left to do and is gone within ten seconds.

Left to itself, Python would first wait for every worker thread, one in the middle of a forward pass too. So
the process ends itself, once its last steps have run. Nothing here is imported but the standard library, so
that it can be in place before anything else: in a container the page is process 1, which a SIGTERM does not
end by itself.
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
"""Seconds for everything, one less than Docker waits before it kills."""
STEPS = 0.9
"""Share of them that the steps may take; the rest is for whatever holds up even this."""
DRAIN = 2
"""Seconds that open connections have to end by themselves once the page closes."""
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
_LOG = logging.getLogger(__name__)


class GracefulShutdown:
    """What happens between the signal to stop and the end of the process.

    On the first SIGTERM or SIGINT the steps run one after the other, each in a thread of its own, and the
    process ends: with code 0, or with 1 if a step failed or did not end in its share of the time. On a
    second signal the process ends at once, with 128 plus the signal's number.

    Args:
        within: seconds from the first signal to the end, whatever hangs. Past them all threads are written
            to standard error, by a thread that needs no lock of Python's.
    """

    def __init__(self, within: float = WITHIN) -> None:
        self.within = within
        self._steps: list[tuple[str, Callable[[], object]]] = []
        self._told = threading.Event()
        self._reading, self._writing = socket.socketpair()
        self._watcher = threading.Thread(target=self._watch, name="stopping", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether a signal has come."""
        return self._told.is_set()

    def install(self) -> None:
        """Listen from now on, in place of Python's own handlers. Call it first of all, in the main thread.

        The signal is written to a socket by the C handler itself, so it is heard while the main thread
        starts up, imports or waits.
        """
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _heard)
        os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=_as_before)
        self._watcher.start()

    def before_exit(self, name: str, step: Callable[[], object]) -> None:
        """Add a step, to run after those added before; what is added after the signal is not run.

        Args:
            name: of the step, for the log.
            step: may take an equal share of the time that the steps before it left.
        """
        self._steps.append((name, step))

    def wait(self) -> None:
        """Keep the main thread until the process ends; the caller never comes back from here."""
        self._watcher.join()

    def _watch(self) -> None:
        number = self._next_signal()
        faulthandler.dump_traceback_later(self.within, exit=True)
        self._told.set()
        _LOG.info("Told to stop by %s.", signal.Signals(number).name)
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
            share = (deadline - time.monotonic()) / (len(steps) - position)
            if not _ran(name, step, share):
                code = 1
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(code)


def closing(page: Blocks, drain: int = DRAIN) -> Callable[[], None]:
    """The step that closes a launched page: nobody gets in, and after ``drain`` seconds everybody is out.

    Gradio would wait for five seconds if a visitor's numbers are still coming in. What Uvicorn has to say of
    each connection cut off is a page of traceback, and no news: it is kept quiet.
    """

    def close() -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        page.server.config.timeout_graceful_shutdown = drain
        page.close(verbose=False)

    return close


def _ran(name: str, step: Callable[[], object], seconds: float) -> bool:
    """Whether a step came to its end in time. What it raises goes to the log as from any thread."""
    ended = threading.Event()

    def run() -> None:
        step()
        ended.set()

    began = time.monotonic()
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if ended.is_set():
        _LOG.info("%s: ended in %.1f s.", name, time.monotonic() - began)
    elif thread.is_alive():
        _LOG.error("%s: not ended after %.1f s, left behind.", name, seconds)
    else:
        _LOG.error("%s: failed.", name)
    return ended.is_set()


def _heard(number: int, frame: FrameType | None) -> None:
    """Nothing: the signal is in the socket. Python writes it there only if it has a handler."""


def _hold_back() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _let_through() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _as_before() -> None:
    """A forked child ends on either signal; through the parent's socket it would stop the parent instead.

    Signals are held back from before the fork, because one may come before the child gets here.
    """
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _let_through()
