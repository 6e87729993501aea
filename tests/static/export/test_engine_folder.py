"""The engine's folder: every file is listed, and images, labels and chunks are those that Python counts."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evaluators.data.image_batches import TaskSlice
from evaluators.errors import LabError
from evaluators.labs.embedded_lab import EmbeddedLab
from lines_core.flat import FlatLayout
from static.export.engine_folder import CHUNK, SOURCES, write_engine
from tests.static.conftest import write_archive


@pytest.fixture(scope="module")
def written(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The small lab's engine, both suites, and its manifest."""
    folder = tmp_path_factory.mktemp("engine")
    archive = write_archive(folder / "runtime.tgz")
    return folder / "engine", write_engine(lab, folder / "engine", archive, suites=("tasks", "objects"))


@pytest.fixture(scope="module")
def embedded(lab: Path) -> EmbeddedLab:
    return EmbeddedLab(lab, None, torch.device("cpu"), torch.float32, CHUNK)


def test_the_manifest_lists_every_file(written: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = written
    assert json.loads((folder / "engine.json").read_text("utf-8")) == manifest
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*manifest["files"], "engine.json"}
    assert {path.name for path in SOURCES.glob("*.js")} < found
    for name, listed in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert listed == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_the_tensors_are_those_of_the_layout(
    written: tuple[Path, dict[str, Any]], embedded: EmbeddedLab
) -> None:
    model, layout = written[1]["model"], embedded.encoder.layout
    assert isinstance(layout, FlatLayout)
    assert model["bounds"] == list(layout.bounds)
    assert [tensor["name"] for tensor in model["tensors"]] == list(layout.names)
    for tensor in model["tensors"]:
        block = tensor["block"]
        assert (f".resblocks.{block}." in tensor["name"]) == (block is not None)


@pytest.mark.parametrize("suite", ["tasks", "objects"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_sheets_hold_the_images_in_the_order_of_the_chunks(
    written: tuple[Path, dict[str, Any]], embedded: EmbeddedLab, suite: str, split: str
) -> None:
    folder, manifest = written
    described, batches = manifest["suites"][suite]["splits"][split], embedded.images(suite, split)
    side = manifest["model"]["image_size"]
    cells: list[Any] = []
    for sheet in described["sheets"]:
        pixels = np.asarray(Image.open(io.BytesIO((folder / sheet["file"]).read_bytes())).convert("RGB"))
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == sheet["pixels_sha256"]
        rows = pixels.reshape(-1, side, sheet["columns"], side, 3).transpose(0, 2, 1, 3, 4)
        cells += list(rows.reshape(-1, side, side, 3)[: sheet["images"]])
    parts = [TaskSlice(*part) for chunk in described["chunks"] for part in chunk]
    expected = torch.cat([batches.pixels(part) for part in parts]).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.stack(cells), expected)
    assert described["sheets"][0]["images"] == sum(stop - start for _, start, stop in described["chunks"][0])
    assert [part[0] for part in described["chunks"][0]] == list(range(len(described["tasks"])))
    for task, labels in enumerate(described["labels"]):
        assert labels == batches.labels(TaskSlice(task, 0, len(labels))).tolist()


def test_chunks_are_those_of_the_engine(written: tuple[Path, dict[str, Any]], embedded: EmbeddedLab) -> None:
    batches = embedded.images("tasks", "test")
    expected = [[list(part) for part in chunk.parts] for chunk in batches.chunks(batches.max_images)]
    assert written[1]["suites"]["tasks"]["splits"]["test"]["chunks"] == expected


def test_only_some_checkpoints_and_splits(lab: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "runtime.tgz")
    manifest = write_engine(lab, tmp_path / "engine", archive, splits=("test",), checkpoints=("faces",))
    assert list(manifest["checkpoints"]) == ["faces"]
    assert list(manifest["suites"]["tasks"]["splits"]) == ["test"]


def test_an_unknown_checkpoint_is_refused(lab: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no checkpoint 'moon' in the suites tasks"):
        write_engine(lab, tmp_path / "engine", tmp_path / "runtime.tgz", checkpoints=("moon",))
