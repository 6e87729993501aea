"""A public CLIP, loaded from the local Hub and edited, is taken home and loaded back from there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard

from evaluators import EditSpec, Studio
from evaluators.export import export
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from lines_core.checkpoints import read_checkpoint
from lines_core.clip_layouts.image_tower import find_tower
from tests.hub.repositories import SMALL_CONFIG, serve_zoo, small_encoder, tall_masks_state
from tests.hub.server import Hub

KEYS = ("mnist", "svhn")


@torch.no_grad()
def test_a_public_model_is_taken_home(
    hub: Hub, tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = small_encoder(tmp_path)
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    served = serve_zoo(hub, encoder, KEYS, 40, ("tall-masks",))
    config = {
        "model_cfg": SMALL_CONFIG,
        "preprocess_cfg": {"mean": list(encoder.mean), "std": list(encoder.std)},
    }
    (hub.folder(encoder.repo) / "open_clip_config.json").write_text(json.dumps(config))
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(LoadRequest(tasks=KEYS, images=8))
    assert job.wait(60)
    there = studio.lab_of("ViT-B-32")
    assert isinstance(there, HubLab), job.problem

    spec = EditSpec.lines("tall-masks.svhn", 0.4, model="ViT-B-32", outside="finetuned", images=0)
    home = tmp_path / "home"
    home.mkdir()
    written = export(there, spec, "open_clip", home, [studio.evaluate(spec)])
    text = written.card.read_text("utf-8")
    data: Any = ModelCard(text).data
    assert (data.base_model, data.library_name) == ("timm/vit_base_patch32_clip_224.openai", "open_clip")
    assert "`nik-dim/tall_masks/single_task/ViT-B-32/SVHNVal/nonlinear_finetuned.pt@" in text
    assert "| activation | quick_gelu |" in text
    assert "mergekit 0.1.5 runs it once base_model and models are local" in written.recipe.read_text("utf-8")
    assert str(tmp_path) not in text + written.recipe.read_text("utf-8")

    scales = spec.scales(3)
    weights = read_checkpoint(written.weights)
    for name, start in served[""].items():
        if name.startswith("visual."):
            block = re.search(r"resblocks\.(\d+)\.", name)
            scale = scales.blocks[int(block[1])] if block else 1.0
            expected = start + scale * (served["svhn"][name] - start)
            torch.testing.assert_close(weights[name], expected, rtol=1e-5, atol=1e-6)

    # the whole CLIP comes from the Hub, its image tower from the file
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (home / "snippet.py").write_text(
        code + "torch.save({'features': features, **model.state_dict()}, 'ran.pt')\n"
    )
    ran = subprocess.run(
        [sys.executable, "snippet.py"],
        cwd=home,
        env=os.environ | {"HF_HUB_CACHE": str(tmp_path / "another cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    loaded = torch.load(home / "ran.pt", weights_only=True)
    features = loaded.pop("features")
    for name, value in loaded.items():
        assert torch.equal(value, (weights if name.startswith("visual.") else served[""])[name]), name

    # transformers gives the same features
    from transformers import CLIPVisionModelWithProjection

    away = export(there, spec, "transformers", home)
    assert away.config
    assert json.loads(away.config.read_text("utf-8"))["hidden_act"] == "quick_gelu"
    tower = CLIPVisionModelWithProjection.from_pretrained(home).train(False)
    assert all(torch.equal(weights[name], v) for name, v in find_tower(tower.state_dict()).weights.items())
    black = (-torch.tensor(encoder.mean) / torch.tensor(encoder.std)).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    embedded = tower(pixel_values=black).image_embeds
    torch.testing.assert_close(embedded / embedded.norm(), features, rtol=0, atol=1e-5)


def test_a_visitors_own_file_is_named_as_they_know_it(
    hub: Hub, tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = small_encoder(tmp_path)
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    served = serve_zoo(hub, encoder, KEYS, 40, ("tall-masks",))
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(LoadRequest(tasks=KEYS, images=8))
    assert job.wait(60)
    path = tmp_path / "uploaded.pt"
    torch.save(tall_masks_state(served["svhn"]), path)
    info = studio.take_file("ViT-B-32", "mnist", path, "<b>my `best`\nrun.pt")
    spec = EditSpec.finetuned(info.key, model="ViT-B-32")
    home = tmp_path / "home"
    home.mkdir()
    written = export(studio.lab_of("ViT-B-32"), spec, "open_clip", home)
    assert "`<b>my 'best' run.pt`" in written.card.read_text("utf-8")
    assert '"<b>my `best` run.pt"' in written.recipe.read_text("utf-8")
    assert written.bundle.name.startswith("ViT-B-32-own-mnist-")  # without the secret in the checkpoint's key
