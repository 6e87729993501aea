"""Exceptions for invalid input; the messages say what was expected, what was given and how to fix it."""


class LinesError(ValueError):
    """Base of all errors for invalid input; the message can be shown to a visitor."""


class ScheduleError(LinesError):
    """A schedule has too few blocks, or a coefficient is not finite."""


class LayerError(LinesError):
    """Parameter names or shapes do not fit the architecture, or no known one."""


class EditError(LinesError):
    """An edit was refused; the live weights are unchanged."""


class TaskVectorError(LinesError):
    """A task vector is not floating-point or not finite."""


class CheckpointError(LinesError):
    """A checkpoint cannot be read, or does not fit the chosen model.

    Attributes:
        mismatches: all differences that `compare` found; the message has the first few of each kind.
    """

    def __init__(self, message: str, mismatches: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.mismatches = mismatches


class ChoiceError(CheckpointError):
    """A checkpoint file holds several models, and which one is meant was not said.

    Attributes:
        candidates: their names in the file.
    """

    def __init__(self, message: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class MergeError(LinesError):
    """The input of a merge is invalid for its method."""
