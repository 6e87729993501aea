"""What a request costs and how it ends, written down while it goes on."""

import time
from dataclasses import dataclass, field

from evaluators.errors import Queued, QueueFull, SpecError, Superseded
from evaluators.service.request_stats import FAILED, PARTIAL, REFUSED, SUPERSEDED, WAITING, RequestStats


@dataclass
class RequestTimer:
    """What one request has cost so far, in seconds and chunks as an ``RequestStats`` has them."""

    spec: str
    began: float = field(default_factory=time.perf_counter)
    queue: float = 0.0
    edit: float = 0.0
    forward: float = 0.0
    first: float = 0.0
    counted: int = 0
    shared: int = 0
    outcome: str = PARTIAL

    def told(self, outcome: str) -> None:
        """An answer went out."""
        self.first = self.first or time.perf_counter() - self.began
        self.outcome = outcome

    def account(self, error: BaseException | None) -> RequestStats:
        """The request as it ended."""
        return RequestStats(
            self.spec,
            self.outcome if error is None else _outcome(error),
            "" if error is None else type(error).__name__,
            self.queue,
            self.edit,
            self.forward,
            time.perf_counter() - self.began,
            self.first,
            self.counted,
            self.shared,
        )


def _outcome(error: BaseException) -> str:
    """How a request ended that ended with an exception."""
    if isinstance(error, Superseded):
        return SUPERSEDED
    if isinstance(error, Queued):
        return WAITING
    return REFUSED if isinstance(error, SpecError | QueueFull) else FAILED
