"""The configuration beside a file on the Hub decides its activation before the weights are fetched."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from evaluators.hub.load_request import LoadRequest
from evaluators.service.studio import Studio
from evaluators.zoo.public_encoders import Encoder
from lines_core.errors import CheckpointError
from tests.hub.repositories import serve_zoo, tall_masks_state
from tests.hub.server import Hub

MODEL = "ViT-B-32"
KEYS = ("mnist", "svhn")


@pytest.fixture
def studio(hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lab: Path) -> Studio:
    """A studio with the small QuickGELU encoder loaded, and a repository with a checkpoint of it."""
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    served = serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))
    studio = Studio(lab, tmp_path / "kept")
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    folder = hub.folder("someone/mine") / "weights"
    folder.mkdir()
    torch.save(tall_masks_state(served["svhn"]), folder / "mine.pt")
    return studio.seen_by("anna")


def note(studio: Studio) -> str:
    info = studio.take_address(MODEL, "mnist", "someone/mine/weights/mine.pt")
    (found,) = [one for one in studio.reports(MODEL)[info.key].notes if one.kind == "activation"]
    return found.text


def test_it_is_read_from_the_folder_of_the_file(studio: Studio, hub: Hub, tmp_path: Path) -> None:
    folder = hub.folder("someone/mine")
    (folder / "config.json").write_text(json.dumps({"model_type": "clip_vision_model", "hidden_act": "gelu"}))
    assert "QuickGELU is assumed, as CLIP ViT-B/32 has it" in note(studio)
    config = folder / "weights" / "config.json"
    config.write_text(json.dumps({"model_type": "clip_vision_model"}))
    assert note(studio) == "Activation: QuickGELU, as config.json says."
    (folder / "weights" / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": {"quick_gelu": True, "vision_cfg": {}}})
    )
    assert note(studio) == "Activation: QuickGELU, as open_clip_config.json says."
    assert not list((tmp_path / "cache" / "models--someone--mine" / "blobs").iterdir())


def test_a_contradiction_is_refused_before_the_download(studio: Studio, hub: Hub) -> None:
    """Weights of LAION's CLIP fit OpenAI's in every shape, and its features were wrong without a word."""
    config = hub.folder("someone/mine") / "weights" / "open_clip_config.json"
    config.write_text(json.dumps({"model_cfg": {"vision_cfg": {}}}))
    hub.fail("resolve/*/mine.pt", "status", status=500, times=None)
    before = studio.checkpoints(MODEL)
    with pytest.raises(CheckpointError, match=r"says GELU, but CLIP ViT-B/32 computes with QuickGELU"):
        note(studio)
    assert studio.checkpoints(MODEL) == before


def test_a_zip_file_has_its_own(studio: Studio, hub: Hub, tmp_path: Path) -> None:
    """Only the configuration in the folder of the weights counts."""
    source = hub.folder("someone/mine") / "weights" / "mine.pt"
    save_file(torch.load(source, weights_only=True), tmp_path / "model.safetensors")

    def taken(configs: dict[str, dict[str, str]]) -> str:
        with zipfile.ZipFile(tmp_path / "mine.zip", "w") as packed:
            packed.write(tmp_path / "model.safetensors", "clip/model.safetensors")
            for name, config in configs.items():
                packed.writestr(name, json.dumps(config))
        info = studio.take_file(MODEL, "mnist", tmp_path / "mine.zip", "mine.zip")
        return studio.reports(MODEL)[info.key].text_of(["activation"])

    quick = {"model_type": "clip_vision_model", "hidden_act": "quick_gelu"}
    assert "QuickGELU is assumed" in taken({"config.json": quick | {"hidden_act": "gelu"}})
    assert taken({"clip/config.json": quick}) == "Activation: QuickGELU, as config.json says."
    with pytest.raises(CheckpointError, match="says GELU, but"):
        taken({"clip/config.json": quick | {"hidden_act": "gelu"}})


def test_public_checkpoints_have_reports_too(studio: Studio) -> None:
    found = studio.reports(MODEL)
    assert list(found) == [f"tall-masks.{key}" for key in KEYS]
    assert all(report.total > 0 and len(report.blocks) == 3 for report in found.values())
