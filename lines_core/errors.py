"""Everything that can be wrong with what a caller hands in, as exceptions that say what to do about it."""


class LinesError(ValueError):
    """Base of every error that bad input raises here; the text is fit to be shown to a visitor."""


class ScheduleError(LinesError):
    """A schedule was asked for that has no slope, or a coefficient that is no number."""


class LayerError(LinesError):
    """Parameter names or shapes do not fit the architecture, or fit none that is known."""


class EditError(LinesError):
    """An edit was refused; the live weights are as they were."""


class TaskVectorError(LinesError):
    """Task vectors do not belong together, or hold something that is no number."""


class CheckpointError(LinesError):
    """A checkpoint cannot be read, or is not one of the chosen model.

    Attributes:
        mismatches: every single disagreement `compare` found, where the text lists the first few of a kind.
    """

    def __init__(self, message: str, mismatches: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.mismatches = mismatches


class MergeError(LinesError):
    """A merge was asked for with something that its method cannot take."""
