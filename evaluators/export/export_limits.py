"""What an export may take on disk, checked before it is computed or written."""

import shutil
from pathlib import Path

from evaluators.export.export_error import ExportError

MOST_BYTES = 4 * 10**9
"""Weights of an export: eleven image towers of ViT-B/32, three of ViT-L/14."""
SPARE_BYTES = 64 << 20
"""Left free on the disk."""


def check_size(size: int, models: int, folder: Path, most: int = MOST_BYTES) -> None:
    """Refuse an export that is too large, or does not fit onto the disk twice, as files and in the bundle.

    Args:
        size: bytes of all its weights.
        models: that it was made of and that are to go along, the pre-trained one among them.
        folder: where it is written to.
        most: bytes of weights allowed.
    Raises: ExportError that says how to make it smaller.
    """
    rest = f"The weights take {_gb(size)}"
    smaller = "choose another folder"
    if models:
        rest += f" with the {models} models they were made of"
        smaller = "leave those models out: the recipe then says where they came from"
    if size > most:
        raise ExportError(f"{rest}, at most {_gb(most)} are written: {smaller}.")
    free = shutil.disk_usage(folder).free
    if 2 * size + SPARE_BYTES > free:
        raise ExportError(
            f"{rest}, and as much again in the bundle; {_gb(free)} are free: make room, or {smaller}."
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**8 else f"{size / 1e6:.1f} MB"
