"""Models of the Hub in `lines edit` and `lines inspect`: shards and the files beside them, nothing else."""

import json
from pathlib import Path

import pytest

from lines_cli import model_paths
from lines_cli.__main__ import main
from lines_core import edit_files
from tests.hub.server import Hub
from tests.lines_core.checkpoints.equality import equal
from tests.lines_core.large_files.models import (
    files_of,
    finetuning_of,
    random_model,
    read_folder,
    write_folder,
)


def put(hub: Hub, repo: str, seed: int | None, shards: int) -> Path:
    """A repository with a model, a pickle, and files that no model needs."""
    folder = hub.folder(repo)
    folder.rmdir()
    weights = random_model(0)
    write_folder(folder, weights if seed is None else finetuning_of(weights, seed), shards)
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    return folder


def test_an_edit_of_two_repositories(hub: Hub, tmp_path: Path) -> None:
    pretrained, finetuned = put(hub, "nobody/base", None, 1), put(hub, "nobody/tuned", 1, 3)
    models = ["--pretrained", "nobody/base", "--finetuned", "nobody/tuned@main"]
    assert main(["edit", *models, "--gamma", "0.4", "-o", str(tmp_path / "out")]) == 0
    expected = edit_files(pretrained, finetuned, tmp_path / "expected", alpha=0.4, beta=0.6)
    assert equal(read_folder(tmp_path / "out"), read_folder(expected))
    assert files_of(tmp_path / "out") == files_of(expected)
    recipe = json.loads((tmp_path / "out" / "lines_recipe.json").read_text())
    assert recipe["pretrained"] == f"nobody/base@{hub.commit('nobody/base')}"
    assert recipe["finetuned"] == f"nobody/tuned@{hub.commit('nobody/tuned')}"
    fetched = {request.path.rpartition("/")[2] for request in hub.requests}
    assert not {"pytorch_model.bin", "model.onnx", "README.md"} & fetched
    assert "model-00003-of-00003.safetensors" in fetched


def test_a_single_file_and_its_configuration(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for repo, seed in (("nobody/base", None), ("nobody/tuned", 1)):
        folder = put(hub, repo, seed, 1)
        (folder / "model.safetensors.index.json").unlink()
        (folder / "model-00001-of-00001.safetensors").rename(folder / "model.safetensors")
    (folder / "consolidated.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert main(["inspect", "nobody/base"]) == 0
    assert capsys.readouterr().out.startswith("architecture  GPT-2, 4 blocks\n")
    models = ["--pretrained", "nobody/base", "--finetuned", "nobody/tuned"]
    assert main(["edit", *models, "--gamma", "1", "-o", str(tmp_path / "out")]) == 0
    names = {"model.safetensors", "config.json", "tokenizer.json", "lines_recipe.json"}
    assert files_of(tmp_path / "out") == names


def test_repositories_that_cannot_be_used(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> str:
        assert main(["inspect", "nobody/base"]) == 1
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line

    assert "nobody/base" in refused()
    folder = put(hub, "nobody/base", None, 2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "lacks files that its index names: 'model-00002-of-00002.safetensors'" in refused()
    (folder / "model.safetensors.index.json").write_text("[]")
    assert "is damaged" in refused()
    for file in folder.glob("model*"):
        file.unlink()
    assert "has no .safetensors weights" in refused()
    for name in ("a", "b"):
        (folder / f"{name}.safetensors").write_bytes(b"x")
    assert "has 'a.safetensors', 'b.safetensors': fetch the one that is meant" in refused()


def test_without_the_client_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_paths, "find_spec", lambda _: None)
    assert main(["inspect", "nobody/base"]) == 1
    assert "pip install huggingface_hub httpx" in capsys.readouterr().err
