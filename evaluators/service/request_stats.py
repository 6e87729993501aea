"""Statistics of one request and status of the service, for logs and metrics; neither names a visitor."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from evaluators.engine.worker_status import WorkerStatus
from evaluators.errors import Queued, QueueFull, SpecError, Superseded

KNOWN = "known"
COMPLETE = "complete"
PARTIAL = "partial"
SUPERSEDED = "superseded"
WAITING = "waiting"
REFUSED = "refused"
FAILED = "failed"
OUTCOMES = (KNOWN, COMPLETE, PARTIAL, SUPERSEDED, WAITING, REFUSED, FAILED)
"""How a request ends: answered from the cache; with all its images; with some of them, because no more was
asked for or the client stopped reading; replaced by a newer one of the same visitor; still queued when its
patience was over; refused because its spec means nothing or the queue is full; failed on our side."""


@dataclass
class RequestStats:
    """One request: written while it is answered, reported once it has ended.

    Args:
        spec: SHA-256 of the spec, ``EditSpec.key()``; empty if nothing is reported.
        outcome: one of ``OUTCOMES``.
        error: name of the exception's class for an outcome that is one, else empty.
        queue: seconds spent waiting for the model.
        edit: seconds in which weights were written.
        forward: seconds in which images were counted.
        seconds: from the request to its end, including what its client took between answers.
        first: seconds until the first answer; 0 if there was none.
        counted: chunks that this request counted.
        shared: chunks that it took over from other requests for the same numbers.
    """

    spec: str
    outcome: str = PARTIAL
    error: str = ""
    queue: float = 0.0
    edit: float = 0.0
    forward: float = 0.0
    seconds: float = 0.0
    first: float = 0.0
    counted: int = 0
    shared: int = 0
    _began: float = field(default_factory=time.perf_counter, init=False, repr=False, compare=False)

    @property
    def cached(self) -> bool:
        """Whether the answer came from the cache."""
        return self.outcome == KNOWN

    def answered(self, outcome: str) -> None:
        """Note that an answer was sent."""
        self.first = self.first or time.perf_counter() - self._began
        self.outcome = outcome

    def ended(self, error: BaseException | None) -> "RequestStats":
        """Note how the request ended; with an exception unless it is None. Returns: itself."""
        self.seconds = time.perf_counter() - self._began
        if error is not None:
            self.error = type(error).__name__
            if isinstance(error, Superseded):
                self.outcome = SUPERSEDED
            elif isinstance(error, Queued):
                self.outcome = WAITING
            else:
                self.outcome = REFUSED if isinstance(error, SpecError | QueueFull) else FAILED
        return self


Observer = Callable[[RequestStats], None]
"""Receives every request's statistics, in the thread of the request; must be quick and must not raise."""


@dataclass(frozen=True)
class ServiceStatus:
    """State of a studio at one moment.

    Args:
        device: that models run on: "cpu", "cuda", "mps".
        models: keys of the models that are loaded.
        running: chunks that are counted just now.
        waiting: requests that wait for the model.
        wait: expected seconds that a new request would wait.
        results: complete evaluations held in memory.
        store: path of the result store's file, empty if results are kept in memory only.
        problem: why results are not kept on disk although they should be; empty if they are.
        failure: why a model cannot be run any more; empty while all can.
        session_checkpoints: checkpoints that visitors have added.
        session_checkpoint_bytes: disk space that these take.
        workers: in other processes, of a cluster.
        local: why this process counts although there should be workers; empty otherwise.
    """

    device: str
    models: tuple[str, ...]
    running: int
    waiting: int
    wait: float
    results: int
    store: str
    problem: str
    failure: str
    session_checkpoints: int
    session_checkpoint_bytes: int
    workers: tuple[WorkerStatus, ...] = ()
    local: str = ""
