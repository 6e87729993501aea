"""Writes the folder that the engine in the browser reads, and its list of files, ``engine.json``."""

import gzip
import hashlib
import json
import shutil
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evaluators.data.image_batches import FIRST_CHUNK, TaskSlice
from evaluators.encoder.open_clip_folder import MERGES, read_tower_info
from evaluators.errors import LabError
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.edit_spec import SPLITS
from static.export.image_sheets import sheets
from static.export.packing import PackedVector, compress, pack_residual, pack_weights
from static.export.tower_graphs import image_graph, text_graph
from static.runtime import copy_runtime

VERSION = 1
"""Of the manifest: the engine refuses any other."""
CHUNK = FIRST_CHUNK
"""Images a chunk over all tasks: a newer edit stops the older one after each."""
IMAGES = 200
"""Images a task, as on the page."""
SOURCES = Path(__file__).parents[1] / "engine"


def write_engine(
    assets: Path,
    folder: Path,
    runtime: Path,
    *,
    suites: Sequence[str] = ("tasks",),
    splits: Sequence[str] = SPLITS,
    checkpoints: Sequence[str] = (),
    cache: Path | None = None,
) -> dict[str, Any]:
    """Write the engine of the embedded lab into a folder, which is replaced if it exists.

    Args:
        assets: folder of an `EmbeddedLab`.
        folder: for its files, ``engine.json`` and the modules of ``static/engine`` among them.
        runtime: archive of onnxruntime-web, as ``static.runtime.fetch_runtime`` returns it.
        suites: whose checkpoints and images to write.
        splits: whose images to write; tasks without images in a split are left out of it.
        checkpoints: keys of those to write; all of the suites by default.
        cache: folder for decoded images.
    Returns: the manifest.
    Raises: LabError if the lab is damaged, a checkpoint is not in it, or its encoder is not one that the
        graphs compute; RuntimeFilesError if the archive is damaged.
    Cost: about 15 s for eight tasks and both splits.
    """
    lab = EmbeddedLab(assets, cache, torch.device("cpu"), torch.float32, CHUNK)
    shutil.rmtree(folder, ignore_errors=True)
    return _EngineFolder(lab, assets, folder).write(runtime, suites, splits, checkpoints)


class _EngineFolder:
    """The files written so far.

    Args:
        lab: with chunks of `CHUNK` images, on the CPU.
        assets: its folder.
        folder: to write into.
    """

    def __init__(self, lab: EmbeddedLab, assets: Path, folder: Path) -> None:
        self._lab = lab
        self._assets = assets
        self._folder = folder
        self._files: dict[str, dict[str, Any]] = {}
        self._pretrained = lab.encoder.layout.flatten(lab.encoder.pretrained())

    def write(
        self, runtime: Path, suites: Sequence[str], splits: Sequence[str], checkpoints: Sequence[str]
    ) -> dict[str, Any]:
        """Write all files and the manifest, and return it."""
        lab, clip = self._lab, self._lab.encoder.loaded.clip
        offered = {one.key: one for one in lab.checkpoints() if one.suite in suites}
        for key in checkpoints:
            if key not in offered:
                raise LabError(f"There is no checkpoint {key!r} in the suites {', '.join(suites)}.")
        merges = gzip.decompress((self._assets / "tiny_clip" / MERGES).read_bytes())
        manifest = {
            "version": VERSION,
            "model": self._model(),
            "image_graph": self._add("image_tower.onnx", image_graph(clip, lab.encoder.layout)),
            "text_graph": self._add("text_tower.pack", compress(text_graph(clip))),
            "merges": self._add("bpe_merges.pack", compress(merges)),
            "context_length": int(clip.positional_embedding.shape[0]),
            "pretrained": self._vector("theta_0", pack_weights(self._pretrained)),
            "checkpoints": {
                key: {"title": one.title, "suite": one.suite, **self.residual(key)}
                for key, one in offered.items()
                if key in checkpoints or not checkpoints
            },
            "suites": {suite: self._suite(suite, splits) for suite in suites},
            "runtime": self._runtime(runtime),
        }
        for module in sorted(SOURCES.glob("*.js")):
            self._add(module.name, module.read_bytes())
        manifest["files"] = self._files
        plain = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
        (self._folder / "engine.json").write_text(plain, encoding="utf-8")
        return manifest

    def residual(self, key: str) -> dict[str, str]:
        """File and form of a checkpoint's residual, which is written."""
        residual = self._lab.encoder.residual(key)
        return self._vector(f"residuals/{key}", pack_residual(residual, self._pretrained))

    def _model(self) -> dict[str, Any]:
        layout, info = self._lab.encoder.layout, self._lab.info
        tower = read_tower_info(self._assets / "tiny_clip")
        tensors = []
        for name, shape, offset in zip(layout.names, layout.shapes, layout.offsets, strict=True):
            segment = bisect_right(layout.bounds, offset) - 1
            block = segment - 1 if 0 < segment <= layout.num_blocks else None
            tensors.append({"name": name, "shape": list(shape), "offset": offset, "block": block})
        return {
            "key": info.key,
            "title": info.title,
            "num_blocks": info.num_blocks,
            "numel": layout.numel,
            "bounds": list(layout.bounds),
            "image_size": tower.image_size,
            "features": int(layout.shapes[-1][1]),
            "mean": list(tower.mean),
            "std": list(tower.std),
            "temperature": self._lab.encoder.temperature,
            "tensors": tensors,
        }

    def _suite(self, suite: str, splits: Sequence[str]) -> dict[str, Any]:
        """Tasks with their heads, and images by split."""
        tasks, heads = self._lab.tasks(suite), self._lab.heads(suite)
        stored = np.concatenate([head.T.contiguous().numpy().astype("<f4").ravel() for head in heads])
        return {
            "heads": self._add(f"heads/{suite}.pack", compress(stored.tobytes())),
            "tasks": [
                {"key": task.key, "title": task.title, "classes": list(task.classes)} for task in tasks
            ],
            "splits": {
                split: self._images(suite, split)
                for split in splits
                if self._lab.tasks_with_images(suite, split)
            },
        }

    def _images(self, suite: str, split: str) -> dict[str, Any]:
        """Sheets, chunks of [position in ``tasks``, start, stop], and by task with images the labels."""
        tasks, batches = self._lab.tasks_with_images(suite, split), self._lab.images(suite, split)
        chunks = batches.chunks(min(IMAGES, batches.max_images))
        stops = {part.task: part.stop for chunk in chunks for part in chunk.parts}
        return {
            "tasks": [task.key for task in tasks],
            "labels": [
                batches.labels(TaskSlice(task, 0, stop)).tolist() for task, stop in sorted(stops.items())
            ],
            "chunks": [[list(part) for part in chunk.parts] for chunk in chunks],
            "sheets": [
                {
                    "file": self._add(f"images/{suite}-{split}-{number}.webp", sheet.content),
                    "images": sheet.images,
                    "columns": sheet.columns,
                    "pixels_sha256": sheet.pixels_sha256,
                }
                for number, sheet in enumerate(sheets(batches, chunks))
            ],
        }

    def _runtime(self, archive: Path) -> dict[str, str]:
        """Files of onnxruntime-web by their role."""
        roles = copy_runtime(archive)
        return {role: self._add(name, content) for role, (name, content) in roles.items()}

    def _vector(self, name: str, packed: PackedVector) -> dict[str, str]:
        return {"file": self._add(f"{name}.pack", packed.content), "form": packed.form}

    def _add(self, name: str, content: bytes) -> str:
        """Write a file, enter it in the list of files, and return its name."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._files[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return name
