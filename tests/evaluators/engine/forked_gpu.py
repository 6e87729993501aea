"""A ZeroGPU host without a GPU: forks real workers as ``spaces.GPU`` does.

As in spaces 0.51.3, zero/wrappers.py, a worker is forked at the first call, from the thread
that calls, and serves later calls while it is idle; arguments and results are pickled through pipes; the
function runs in a thread of its own; results are read ahead; closing the generator stops the function at its
next result; of an exception only the name of its class comes back, and its worker is used no more.
"""

import multiprocessing
import pickle
import queue
import threading
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.queues import SimpleQueue
from typing import Any

FORK = multiprocessing.get_context("fork")


class Refusal(Exception):
    """Stands for ``gr.Error``, with its attributes."""

    def __init__(self, message: str, title: str = "Error") -> None:
        super().__init__(message)
        self.message = message
        self.title = title


class ForkedGpu:
    """Assigns a forked worker to each call. ``close`` ends the workers.

    Attributes:
        refuses: title and message with which every call is refused; may be set at any time.
        forks, calls, stopped: so far, the last of generators closed before their end.
        sent: bytes of the last call's arguments.
    """

    def __init__(self) -> None:
        self.refuses: tuple[str, str] | None = None
        self.forks = 0
        self.calls = 0
        self.sent = 0
        self.stopped = 0
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []

    def __call__(self, *, duration: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a generator function."""

        def decorate(task: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def decorated(*given: Any) -> Iterator[Any]:
                return self._assign(task, given)

            return decorated

        return decorate

    def _assign(self, task: Callable[..., Iterator[Any]], given: tuple[Any, ...]) -> Iterator[Any]:
        self.calls += 1
        if self.refuses:
            title, message = self.refuses
            raise Refusal(message, title)
        worker = self._idle.pop() if self._idle else self._fork(task)
        self.sent = len(pickle.dumps(given))
        worker.given.put(given)
        ahead: queue.Queue[tuple[str, Any]] = queue.Queue()
        reader = threading.Thread(target=self._read, args=(worker, ahead))
        reader.start()
        try:
            while True:
                kind, value = ahead.get()
                if kind == "end":
                    return
                if kind == "raised":
                    raise Refusal(value, "ZeroGPU worker error")
                yield value
        except GeneratorExit:
            self.stopped += 1
            worker.stop.set()
            raise
        finally:
            reader.join()

    def _read(self, worker: "_Worker", ahead: "queue.Queue[tuple[str, Any]]") -> None:
        while True:
            kind, value = worker.results.get()
            if kind == "end":
                self._idle.append(worker)
            ahead.put((kind, value))
            if kind != "value":
                return

    def _fork(self, task: Callable[..., Iterator[Any]]) -> "_Worker":
        self.forks += 1
        worker = _Worker(task)
        self._all.append(worker)
        return worker

    def close(self) -> None:
        """End all workers, also one that hangs."""
        for worker in self._all:
            worker.process.terminate()
            worker.process.join()


class _Worker:
    def __init__(self, task: Callable[..., Iterator[Any]]) -> None:
        self.given: SimpleQueue[tuple[Any, ...]] = FORK.SimpleQueue()
        self.results: SimpleQueue[tuple[str, Any]] = FORK.SimpleQueue()
        self.stop = FORK.Event()
        self.process = FORK.Process(target=self._serve, args=(task,), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what is meant here
            self.process.start()

    def _serve(self, task: Callable[..., Iterator[Any]]) -> None:
        while True:
            given = self.given.get()
            self.stop.clear()
            thread = threading.Thread(target=self._iterate, args=(task, given))
            thread.start()
            thread.join()

    def _iterate(self, task: Callable[..., Iterator[Any]], given: tuple[Any, ...]) -> None:
        results = task(*given)
        try:
            for value in results:
                if self.stop.is_set():
                    break
                self.results.put(("value", value))
        except Exception as error:  # noqa: BLE001 -- as the real one does
            self.results.put(("raised", type(error).__name__))
            return
        self.results.put(("end", None))
