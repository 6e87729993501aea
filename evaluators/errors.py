"""What can go wrong when a image of numbers is asked for: one class a cause, all of them ``LinesError``."""

from lines_core.errors import LinesError


class SpecError(LinesError):
    """An ``EditSpec`` that means nothing: an unknown name, a number out of range, a wrong count."""


class EvaluationError(LinesError):
    """Counts that cannot be, or evaluations that cannot be compared with each other."""


class LabError(LinesError):
    """The lab's files (tasks, images, weights) are absent, damaged or do not fit together."""


class DeviceError(LinesError):
    """The device that the model runs on has failed: what is known is still answered, nothing new is."""


class Superseded(LinesError):
    """A newer request of the same visitor has taken the place of this one: there is nothing to show."""


class Queued(LinesError):
    """Others come first, and the asker did not want to wait: nothing is wrong, and the place is kept.

    Attributes:
        ahead: requests that come before.
        seconds: that they take, about.
    """

    def __init__(self, message: str, ahead: int = 0, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.ahead = ahead
        self.seconds = seconds


class Preparing(Queued):
    """The weights that were asked for are still being made; ``seconds`` says for how long so far."""


class QueueFull(LinesError):
    """So many wait that another request is turned away; the text says when to try again."""


class Cancelled(LinesError):
    """Somebody stopped a sweep or a load: what was measured or fetched so far is kept."""


class HubError(LinesError):
    """A file or listing cannot be had from the Hub; the text names it, says why, and what to do."""
