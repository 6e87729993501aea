"""Error raised by exports."""

from lines_core.errors import LinesError


class ExportError(LinesError):
    """An edited model cannot be written as asked: unknown layout, no folder, no room; nothing is left."""
