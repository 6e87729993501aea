"""The test images of a suite as one picture and its description, which the browser fetches once."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from evaluators.service.image_classifier import TaskImages
from evaluators.service.studio import Studio
from evaluators.service.temporary_folder import temporary_folder
from evaluators.specs.edit_spec import EditSpec

EACH = 8
"""Images of each task: those of the first chunk, so that they cost no forward pass of their own."""
MOST_PIXELS = 112
"""Largest side of an image in the sprite."""
LOSSLESS = 64
"""Images up to this side are kept exactly: every pixel of a small one is seen."""
SPRITES_KEPT = 32
NAMES_KEPT = 256


@cache
def sprite_folder() -> Path:
    """Folder that the sprites are served from, deleted at the end of the process."""
    return temporary_folder("sprites")


def delete_sprites() -> None:
    """Delete all sprites; for the end of the process."""
    shutil.rmtree(sprite_folder(), ignore_errors=True)


def sprite(tasks: Sequence[TaskImages]) -> tuple[bytes, int]:
    """WebP with a row of images a task, and the side of each in pixels."""
    side = min(int(tasks[0].pixels.shape[-1]), MOST_PIXELS)
    sheet = Image.new("RGB", (EACH * side, len(tasks) * side))
    for row, task in enumerate(tasks):
        for column, pixels in enumerate(np.asarray(task.pixels.permute(0, 2, 3, 1))):
            image = Image.fromarray(pixels)
            fitted = image if image.width == side else image.resize((side, side))
            sheet.paste(fitted, (column * side, row * side))
    stream = io.BytesIO()
    sheet.save(stream, "WEBP", lossless=side <= LOSSLESS, quality=80, method=4)
    return stream.getvalue(), side


class Sprites:
    """Sprites by the images that they show. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()  # held while a sprite is written
        self._named: dict[str, str] = {}
        self._known: dict[str, tuple[str, tuple[TaskImages, ...]]] = {}

    def known(self, name: str) -> tuple[str, tuple[TaskImages, ...]] | None:
        """What ``of`` gives, if it is made already; None otherwise. Cost: none."""
        return self._known.get(self._named.get(name, ""))

    def of(self, studio: Studio, spec: EditSpec, name: str) -> tuple[str, tuple[TaskImages, ...]]:
        """Address of the description of a spec's images, and the images themselves.

        The description is JSON: ``sprite`` (address), ``side`` (pixels of an image), ``tasks`` ({key, title,
        classes, truth} a row).

        Args:
            name: decides the images, by content, and perhaps more than these.
        Raises: as ``Studio.images_of``; OSError if nothing can be written.
        Cost: the first time a tenth of a second, then none.
        """
        with self._mutex:
            key = self._named.get(name)
            if key is None or key not in self._known:
                pretrained = EditSpec.pretrained(spec.checkpoint, model=spec.model, split=spec.split)
                key = self._named[name] = studio.fingerprint(pretrained)[:24]
            if key not in self._known:
                self._known[key] = self._written(key, studio.images_of(spec, EACH))
            while len(self._known) > SPRITES_KEPT:
                self._delete(next(iter(self._known)))
            while len(self._named) > NAMES_KEPT:
                self._named.pop(next(iter(self._named)))
            return self._known[key]

    def forget(self, task: str) -> None:
        """Delete every sprite with images of a task that a visitor has deleted."""
        with self._mutex:
            for key in [key for key, (_, rows) in self._known.items() if task in [row.key for row in rows]]:
                self._delete(key)

    def _written(self, key: str, tasks: tuple[TaskImages, ...]) -> tuple[str, tuple[TaskImages, ...]]:
        content, side = sprite(tasks)
        folder = sprite_folder()
        (folder / f"{key}.webp").write_bytes(content)
        rows = [
            {
                "key": task.key,
                "title": task.title,
                "classes": list(task.classes),
                "truth": list(task.labels),
            }
            for task in tasks
        ]
        described = {"sprite": _address(folder / f"{key}.webp"), "side": side, "tasks": rows}
        (folder / f"{key}.json").write_text(json.dumps(described), encoding="utf-8")
        return _address(folder / f"{key}.json"), tasks

    def _delete(self, key: str) -> None:
        self._known.pop(key)
        for suffix in (".webp", ".json"):
            (sprite_folder() / f"{key}{suffix}").unlink(missing_ok=True)


def _address(path: Path) -> str:
    return f"/gradio_api/file={path.as_posix()}"
