"""Exceptions of the static edition."""

from lines_core.errors import LinesError


class RuntimeFilesError(LinesError):
    """onnxruntime-web cannot be had, or is not the version that was tested."""


class StaticError(LinesError):
    """The static edition cannot be written."""
