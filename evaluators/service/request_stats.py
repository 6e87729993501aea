"""What one request cost and how it ended, for logs and metrics: no word about who asked."""

from collections.abc import Callable
from dataclasses import dataclass

KNOWN = "known"
COMPLETE = "complete"
PARTIAL = "partial"
SUPERSEDED = "superseded"
WAITING = "waiting"
REFUSED = "refused"
FAILED = "failed"
OUTCOMES = (KNOWN, COMPLETE, PARTIAL, SUPERSEDED, WAITING, REFUSED, FAILED)
"""How a request ends: answered at once from what was known; with all its images; with some of them, as no
more was asked for or the asker stopped listening; replaced by a newer one of the same visitor; told how long
the line is; turned away because its spec means nothing or too many wait; failed, which is a fault here."""


@dataclass(frozen=True)
class RequestStats:
    """One request of the studio, once it has ended.

    Args:
        spec: SHA-256 of the spec, ``EditSpec.key()``; empty if the request was refused before it had one.
        outcome: one of ``OUTCOMES``.
        error: name of the exception's class for an outcome that is one, else empty.
        queue: seconds spent waiting for the model.
        edit: seconds in which weights were written.
        forward: seconds in which images were counted.
        seconds: from the request to its end, with what its asker took between answers.
        first: seconds until the first answer; 0 if there was none.
        counted: chunks that this request counted.
        shared: chunks that it took over from other requests for the same numbers.
    """

    spec: str
    outcome: str
    error: str = ""
    queue: float = 0.0
    edit: float = 0.0
    forward: float = 0.0
    seconds: float = 0.0
    first: float = 0.0
    counted: int = 0
    shared: int = 0

    @property
    def cached(self) -> bool:
        """Whether nothing had to be counted."""
        return self.outcome == KNOWN


Observer = Callable[[RequestStats], None]
"""Told every account, in the thread of the request; must be quick and must not raise."""


@dataclass(frozen=True)
class ServiceStatus:
    """How a studio stands now.

    Args:
        device: that models run on: "cpu", "cuda", "mps".
        models: keys of the models that are loaded.
        running: 1 while a chunk is counted, else 0.
        waiting: requests that wait for the model.
        wait: seconds that a new request would wait, about.
        known: complete evaluations held in memory.
        store: path of the result store's file, empty if results are kept in memory only.
        problem: why results are not kept on disk although they should be; empty if they are.
        failure: why a model cannot be run any more; empty while all can.
        guests: checkpoints that visitors have added.
        guest_bytes: disk space that these take.
    """

    device: str
    models: tuple[str, ...]
    running: int
    waiting: int
    wait: float
    known: int
    store: str
    problem: str
    failure: str
    guests: int
    guest_bytes: int
