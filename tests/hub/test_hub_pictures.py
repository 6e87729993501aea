"""Single images and typed class names of a public CLIP."""

import gc
import weakref
from pathlib import Path

import pytest

from evaluators import EditSpec, Studio
from evaluators.hub.hub_encoder import TextTower
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.specs.class_names import ClassNames
from evaluators.zoo.public_encoders import Encoder
from tests.hub.repositories import serve_zoo
from tests.hub.server import Hub

KEYS = ("mnist", "svhn", "eurosat")


def test_single_images_and_typed_names(
    hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lab: Path
) -> None:
    """Typed names go through the text tower, which is opened for them, and equal a head of these names."""
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(LoadRequest(tasks=KEYS, images=20))
    assert job.wait(60)
    assert job.problem == ""
    spec = EditSpec.lines("tall-masks.svhn", 0.4, model="ViT-B-32", images=0)
    pictured = studio.pictured(spec, 3)
    tasks = studio.images_of(spec, 8)
    for position, task in enumerate(tasks):
        for number in range(3):
            [row] = studio.classify([spec], task.pixels[number], task.key).models
            predicted = pictured.predicted(position)[number]
            assert row[predicted] >= max(row) - 1e-3  # bfloat16 encodes a batch a little differently
    names = ClassNames.read("a cat, a dog, a tram", "a drawing of {}")
    found = studio.classify([spec], tasks[0].pixels[0], names)
    assert found.classes == names.names
    assert sum(found.models[0]) == pytest.approx(1)
    loaded = studio.lab_of("ViT-B-32")
    assert isinstance(loaded, HubLab)
    text = TextTower(encoder, loaded.live.weights, loaded.device)
    head = text.head(names.names, (names.template,))
    assert loaded.typed_heads.get(names).weight.equal(head)

    weight = weakref.ref(text._clip.token_embedding.weight)
    try:
        gc.disable()
        del text
        assert weight() is None, "its memory need not wait for a collection, which stops all threads"
    finally:
        gc.enable()
