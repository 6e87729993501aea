"""Zip files of labelled images, as visitors make them."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from evaluators.data.own_images.label_table import find_images
from evaluators.data.own_images.task_names import TaskNames, proposed
from evaluators.data.own_images.zip_images import ZipImages
from evaluators.labs.task_import import ImportedTask
from evaluators.service.studio import Studio


def picture(seed: int, colour: tuple[int, int, int] = (120, 120, 120), kind: str = "PNG") -> bytes:
    """Noise around a colour, 20 x 16 pixels, different for each seed."""
    noise = np.random.default_rng(seed).normal(0, 30, (16, 20, 3))
    stream = io.BytesIO()
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


def folders(counts: Mapping[str, int], above: str = "") -> dict[str, bytes]:
    """Different images by path, so many in each folder."""
    files = {}
    for label, (folder, count) in enumerate(sorted(counts.items())):
        for number in range(count):
            colour = (60 + 40 * label % 180, 220 - 40 * label % 180, 120)
            files[f"{above}{folder}/{number}.png"] = picture(1000 * label + number, colour)
    return files


def zipped(path: Path, files: Mapping[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file of such files."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def add_task(
    session: Studio,
    path: Path,
    title: str = "Things",
    progress: Callable[[int, int], None] | None = None,
    model: str = "tiny-clip",
) -> ImportedTask:
    """Add the images of a zip file to a session, with the class names that are proposed."""
    with ZipImages(path, path.name) as files:
        found = find_images(files)
        prompts = "a photo of a {}.\na drawing of a {}."
        names = TaskNames.read(title, proposed(found.classes), prompts, found.classes)
        return session.take_task(model, files, found, names, progress)
