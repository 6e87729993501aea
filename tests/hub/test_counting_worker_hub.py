"""A worker on another machine loads a public encoder by itself, and counts what the page's machine counts."""

from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.encoder.autotune import EngineConfig
from evaluators.engine.counting_worker import ChunkOrder, CountingWorker, pickled_order, pickled_recipe
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import LabRecipe, content_of
from evaluators.hub.load_request import LoadRequest
from evaluators.zoo.public_encoders import Encoder
from tests.hub.repositories import serve_zoo
from tests.hub.server import Hub

KEYS = ("mnist", "svhn")
REQUEST = LoadRequest(tasks=KEYS, images=20)
SPEC = EditSpec.lines("tall-masks.svhn", 0.4, model="ViT-B-32", images=0)


@pytest.mark.parametrize("shared", [True, False], ids=["shared cache", "from the Hub"])
def test_a_worker_loads_what_it_needs(
    shared: bool, hub: Hub, encoder: Encoder, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "home")
    serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(REQUEST)
    assert job.wait(60)
    assert job.problem == ""
    there = studio.lab_of("ViT-B-32")
    config = EngineConfig(there.dtype, there.chunk, 0.0)
    cache = tmp_path / ("cache" if shared else "another machine has no such folder")
    recipe = LabRecipe("ViT-B-32", content_of(there), Path("nowhere"), cache, REQUEST, config)

    threads = torch.get_num_threads()
    worker = CountingWorker("cpu", threads)
    hub.requests.clear()
    assert worker.open(pickled_recipe(recipe)) is None
    assert (tmp_path / "home" / ".cache").exists() != shared
    resolved = there.resolve(SPEC)
    right = [0, 0]
    for chunk in there.images(resolved.suite, resolved.split).chunks(resolved.images):
        answer = worker.count(pickled_order(ChunkOrder(recipe.content, resolved, chunk)))
        assert isinstance(answer, ChunkCounts), answer
        right = [one + other for one, other in zip(right, answer.counted.correct, strict=True)]
    assert right == [task.correct for task in studio.evaluate(SPEC).tasks]
