"""Edits and merges of weight files of any size: read, computed and written a piece at a time."""

from lines_core.large_files.file_edit import edit_files
from lines_core.large_files.file_merge import merge_files

__all__ = ["edit_files", "merge_files"]
