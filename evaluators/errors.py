"""Exceptions of the evaluators, one class a cause, all of them ``LinesError``."""

from lines_core.errors import LinesError


class SpecError(LinesError):
    """An ``EditSpec`` that means nothing: an unknown name, a number out of range, a wrong count."""


class EvaluationError(LinesError):
    """Counts that cannot be, or evaluations that cannot be compared with each other."""


class LabError(LinesError):
    """The lab's files (tasks, images, weights) are absent, damaged or do not fit together."""


class DeviceError(LinesError):
    """The device that the model runs on has failed: cached results are still answered, nothing new is."""


class Superseded(LinesError):
    """A newer request of the same visitor has replaced this one: there is nothing to show."""


class Queued(LinesError):
    """Other requests come first and the caller's patience is over: no failure, the queue position is kept.

    Attributes:
        ahead: requests that come before this one.
        seconds: expected until they are served.
    """

    def __init__(self, message: str, ahead: int = 0, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.ahead = ahead
        self.seconds = seconds


class Preparing(Queued):
    """The weights of the edit are still being read or merged; ``seconds`` says for how long so far."""


class QueueFull(LinesError):
    """The queue takes no further request; the message says when to try again."""


class Cancelled(LinesError):
    """A sweep or a load was stopped: what was measured or loaded so far is kept."""


class ImageError(LinesError):
    """An image that is damaged, too large, or of a format that is not read."""


class TaskError(LinesError):
    """A visitor's images do not make a task: no classes, too few images, names that cannot be used."""


class HubError(LinesError):
    """A file or listing cannot be had from the Hub; the message names it, says why, and what to do."""


class ClusterError(LinesError):
    """Workers of a cluster cannot be used; the message says why, and what to do."""
