"""Edits from files to files: the numbers of the live editor, whole or not at all, resumed, wrong inputs."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lines_core import EditError, FlatLayout, LayerEditor, ScheduleError, coefficients, outside_scales
from lines_core.checkpoints import WeightFiles
from lines_core.errors import CheckpointError, LinesError, TaskVectorError
from lines_core.large_files import pieces
from lines_core.large_files.file_edit import edit_files
from tests.lines_core.checkpoints.equality import equal
from tests.lines_core.conftest import build_tower
from tests.lines_core.large_files.models import (
    Weights,
    files_of,
    finetuning_of,
    random_model,
    read_folder,
    write_folder,
)

LINES: dict[str, Any] = {"alpha": 0.3, "beta": 0.7}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 16)


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    pretrained = random_model(0)
    write_folder(tmp_path / "pretrained", pretrained, shards=1)
    write_folder(tmp_path / "finetuned", finetuning_of(pretrained, 1), shards=3)
    return tmp_path / "pretrained", tmp_path / "finetuned"


def in_memory(
    pretrained: Weights, finetuned: Weights, *, shape: str = "linear", outside: str = "alpha"
) -> Weights:
    """What the live editor makes of them, float32."""
    layout = FlatLayout.of(pretrained)
    start = layout.flatten(pretrained)
    live = torch.empty_like(start)
    scales = coefficients(shape, **LINES, num_blocks=layout.num_blocks)
    residual = layout.flatten(finetuned) - start
    LayerEditor(layout, start, live).apply(residual, scales, *outside_scales(outside, 0.3, scales))
    return dict(layout.unflatten(live))


@pytest.mark.parametrize("outside", ["alpha", "depth", "pretrained", "finetuned"])
@pytest.mark.parametrize("shape", ["linear", "quadratic", "flat"])
def test_bit_for_bit_as_the_live_editor(
    models: tuple[Path, Path], tmp_path: Path, shape: str, outside: str
) -> None:
    out = edit_files(*models, tmp_path / "out", **LINES, shape=shape, outside=outside)
    expected = in_memory(*map(read_folder, models), shape=shape, outside=outside)
    assert equal(read_folder(out), expected)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_rounded_once(tmp_path: Path, half: torch.dtype) -> None:
    pretrained = random_model(0, half)
    finetuned = finetuning_of(pretrained, 1)
    folders = (
        write_folder(tmp_path / "pretrained", pretrained),
        write_folder(tmp_path / "finetuned", finetuned),
    )
    out = edit_files(*folders, tmp_path / "out", **LINES)
    exact = in_memory(pretrained, finetuned)
    assert equal(read_folder(out), {name: tensor.to(half) for name, tensor in exact.items()})
    wide = edit_files(*folders, tmp_path / "wide", **LINES, dtype=torch.float32)
    assert equal(read_folder(wide), exact)


def test_files_metadata_and_tokenizer_stay(models: tuple[Path, Path], tmp_path: Path) -> None:
    _, finetuned = models
    out = edit_files(*models, tmp_path / "out", **LINES)
    assert files_of(out) == files_of(finetuned) - {"README.md", "pytorch_model.bin"} | {"lines_recipe.json"}
    for shard in finetuned.glob("*.safetensors"):
        assert load_file(shard).keys() == load_file(out / shard.name).keys()
        with safe_open(out / shard.name, "pt") as file:
            metadata = file.metadata()
        assert (metadata["format"], metadata["by"]) == ("pt", "somebody")
        assert json.loads(metadata["lines_recipe"])["alpha"] == 0.3
    index = json.loads((out / "model.safetensors.index.json").read_text())
    original = json.loads((finetuned / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == original["weight_map"]
    size = sum(tensor.nbytes for tensor in read_folder(out).values())
    assert index["metadata"] == {"kind": "kept", "total_size": size}
    recipe = json.loads((out / "lines_recipe.json").read_text())
    assert (recipe["pretrained"], recipe["finetuned"]) == ("pretrained", "finetuned")
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_another_dtype_is_in_the_configuration_too(models: tuple[Path, Path], tmp_path: Path) -> None:
    out = edit_files(*models, tmp_path / "out", **LINES, dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in read_folder(out).values()} == {torch.bfloat16}
    assert json.loads((out / "config.json").read_text()) == {"model_type": "gpt2", "torch_dtype": "bfloat16"}


def test_a_single_file_stays_one(tmp_path: Path) -> None:
    pretrained = random_model(0)
    finetuned = finetuning_of(pretrained, 1)
    for name, weights in (("p", pretrained), ("f", finetuned)):
        save_file(weights, tmp_path / f"{name}.safetensors")
    paths = tmp_path / "p.safetensors", tmp_path / "f.safetensors"
    out = edit_files(*paths, tmp_path / "o.safetensors", **LINES)
    assert equal(load_file(out), in_memory(pretrained, finetuned))
    folder = edit_files(*paths, tmp_path / "folder", **LINES)
    assert files_of(folder) == {"f.safetensors", "lines_recipe.json"}
    assert files_of(tmp_path) == {"p.safetensors", "f.safetensors", "o.safetensors", "folder"}


def test_an_image_tower_of_a_whole_clip(tmp_path: Path) -> None:
    clip = build_tower(4, "visual.", 0)
    text = {"token_embedding.weight": torch.ones(4, 8), "logit_scale": torch.tensor(4.6)}
    tower = build_tower(4, "visual.", 1)
    save_file(clip | text, tmp_path / "clip.safetensors")
    save_file(tower, tmp_path / "tower.safetensors")
    models = tmp_path / "clip.safetensors", tmp_path / "tower.safetensors"
    out = edit_files(*models, tmp_path / "out.safetensors", **LINES)
    assert equal(load_file(out), in_memory(clip, tower))
    refused(CheckpointError, r"only clip\.safetensors has 'logit_scale'", *models[::-1], tmp_path / "o")


def test_integer_buffers_are_copied_and_tied_weights_found(tmp_path: Path) -> None:
    pretrained = random_model(0)
    finetuned = finetuning_of(pretrained, 1)
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    tied = {"lm_head.weight": pretrained["wte.weight"].clone()}
    more = {f"h.{block}.attn.bias": mask.tril() for block in range(4)}
    before = write_folder(tmp_path / "before", pretrained | tied | more)
    after = write_folder(tmp_path / "after", finetuned | dict.fromkeys(more, mask))
    out = read_folder(edit_files(before, after, tmp_path / "out", **LINES))
    expected = in_memory(pretrained, finetuned)
    assert equal(out, expected | dict.fromkeys(more, mask))
    back = read_folder(edit_files(after, before, tmp_path / "back", **LINES))
    assert torch.equal(back["lm_head.weight"], back["wte.weight"])


def test_no_update_is_read_where_the_scale_is_zero(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, str]] = []
    whole = WeightFiles.read_part

    def noted(self: Any, name: str, offset: int, out: memoryview) -> None:
        read.append((self.path.name, name))
        whole(self, name, offset, out)

    monkeypatch.setattr(WeightFiles, "read_part", noted)
    edit_files(*models, tmp_path / "out", alpha=0.0, beta=1.0)
    assert ("pretrained", "h.0.ln_1.bias") in read
    assert ("finetuned", "h.0.ln_1.bias") not in read
    assert ("finetuned", "h.1.ln_1.bias") in read


# Stopped runs


class _Stopped(Exception):
    pass


def stop_after(shards: int, folder: Path) -> Callable[[int, int], None]:
    """Progress that ends the run as soon as so many shards are finished."""

    def progress(done: int, total: int) -> None:
        if len(list(folder.glob(".out.*.part/*.safetensors"))) == shards:
            raise _Stopped

    return progress


def test_a_stopped_run_is_continued(models: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(_Stopped):
        edit_files(*models, tmp_path / "out", **LINES, progress=stop_after(2, tmp_path))
    assert not (tmp_path / "out").exists()
    (staged,) = tmp_path.glob(".out.*.part")
    inodes = {path.name: path.stat().st_ino for path in staged.glob("*.safetensors")}
    assert len(inodes) == 2
    steps: list[tuple[int, int]] = []
    out = edit_files(*models, tmp_path / "out", **LINES, progress=lambda *step: steps.append(step))
    assert {path.name: path.stat().st_ino for path in out.glob("*.safetensors")}.items() >= inodes.items()
    assert equal(read_folder(out), in_memory(*map(read_folder, models)))
    assert steps[-1][0] == steps[-1][1]
    assert not list(tmp_path.glob(".*"))


def test_another_recipe_or_another_input_begins_anew(models: tuple[Path, Path], tmp_path: Path) -> None:
    pretrained, finetuned = models
    with pytest.raises(_Stopped):
        edit_files(*models, tmp_path / "out", **LINES, progress=stop_after(2, tmp_path))
    with pytest.raises(_Stopped):
        edit_files(*models, tmp_path / "out", alpha=0.4, beta=0.6, progress=stop_after(3, tmp_path))
    assert len(list(tmp_path.glob(".out.*.part"))) == 2
    shutil.rmtree(finetuned)
    write_folder(finetuned, finetuning_of(read_folder(pretrained), 2), shards=3)
    out = edit_files(*models, tmp_path / "out", **LINES)
    assert equal(read_folder(out), in_memory(*map(read_folder, models)))
    assert not list(tmp_path.glob(".*")), "nothing can finish the others any more"


def test_a_run_that_has_finished_no_file_leaves_nothing(models: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(_Stopped):
        edit_files(*models, tmp_path / "out", **LINES, progress=stop_after(0, tmp_path))
    assert files_of(tmp_path) == {"pretrained", "finetuned"}


# Wrong inputs


def refused(error: type[LinesError], message: str, *paths: Path, **settings: Any) -> None:
    folder = paths[0].parent
    before = files_of(folder)
    with pytest.raises(error, match=message):
        edit_files(*paths, **(LINES | settings))
    assert files_of(folder) == before


def test_wrong_settings(models: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(ScheduleError, "Unknown scaling function 'up'", *models, out, shape="up")
    refused(ScheduleError, "must be finite", *models, out, beta=float("nan"))
    refused(EditError, "Unknown rule", *models, out, outside="none")
    refused(CheckpointError, r"float16 or bfloat16, got torch\.int8", *models, out, dtype=torch.int8)


def test_an_output_that_is_there_is_left_alone(models: tuple[Path, Path], tmp_path: Path) -> None:
    refused(CheckpointError, "exists: choose another name", *models, models[1])
    refused(CheckpointError, "exists: choose another name", *models, models[1] / "config.json")
    refused(CheckpointError, "No folder .*absent to write out to", *models, tmp_path / "absent" / "out")
    refused(
        CheckpointError, "have 3 files: let o.safetensors be a folder", *models, tmp_path / "o.safetensors"
    )
    (tmp_path / "empty").mkdir()
    edit_files(*models, tmp_path / "empty", **LINES)


def test_a_file_is_not_put_into_the_folder_of_a_model(tmp_path: Path) -> None:
    """P was ambiguous afterwards."""
    pretrained, finetuned = tmp_path / "p", tmp_path / "f"
    for number, folder in enumerate((pretrained, finetuned)):
        folder.mkdir()
        save_file(random_model(number), folder / "model.safetensors")
    for folder in (pretrained, finetuned):
        message = f"out.safetensors would be a second model in the folder {folder.name}"
        refused(CheckpointError, message, pretrained, finetuned, folder / "out.safetensors")
    files = pretrained / "model.safetensors", finetuned / "model.safetensors"
    assert edit_files(*files, pretrained / "out.safetensors", **LINES).is_file()


def test_models_that_do_not_fit_together(models: tuple[Path, Path], tmp_path: Path) -> None:
    pretrained, finetuned = models
    weights = read_folder(finetuned)
    lacking = write_folder(tmp_path / "a", {name: weights[name] for name in weights if name != "wpe.weight"})
    refused(CheckpointError, r"only pretrained has 'wpe.weight'", pretrained, lacking, tmp_path / "out")
    refused(CheckpointError, r"only pretrained has 'wpe.weight'", lacking, pretrained, tmp_path / "out")
    ones = {"h.2.ln_1.bias": torch.ones(6), "ln_f.bias": torch.ones(6)}
    fresh = write_folder(tmp_path / "fresh", read_folder(pretrained) | ones)
    without = {name: weights[name] for name in weights if name != "h.2.ln_1.bias"}
    lacking = write_folder(tmp_path / "d", without)
    refused(CheckpointError, r"only fresh has 'h\.2\.ln_1\.bias'", fresh, lacking, tmp_path / "out")
    longer = weights | {"wte.weight": torch.zeros(10, 6)}
    longer_folder = write_folder(tmp_path / "b", longer)
    message = r"differ in 'wte.weight': float32 \[10, 6\] and float32 \[9, 6\]"
    refused(CheckpointError, message, pretrained, longer_folder, tmp_path / "out")
    integers = write_folder(tmp_path / "c", weights | {"wte.weight": torch.zeros(9, 6, dtype=torch.int64)})
    refused(
        CheckpointError, "c is quantised: 'wte.weight' are integers", pretrained, integers, tmp_path / "out"
    )
    refused(CheckpointError, r"float32 \[9, 6\] and int64", integers, finetuned, tmp_path / "out")


def test_a_head_that_was_added_is_copied_and_a_bare_model_fits(tmp_path: Path) -> None:
    """BERT as it is on the Hub, with the first names of LayerNorm and a head of its own, and a classifier."""
    name = "{}.layer.{}.output.LayerNorm.{}"
    generator = torch.Generator().manual_seed(0)

    def bert(prefix: str, *names: str) -> Weights:
        norms = [name.format(prefix, block, kind) for block in range(3) for kind in names]
        return {norm: torch.randn(4, generator=generator) for norm in norms}

    old, bare = bert("bert.encoder", "beta", "gamma"), bert("encoder", "bias", "weight")
    trained = bert("bert.encoder", "bias", "weight")
    head = {"classifier.weight": torch.randn(2, 4, generator=generator), "cls.bias": torch.ones(3)}
    other = {"cls.bias": torch.ones(5), "cls.weight": torch.ones(4, 5)}
    after = write_folder(tmp_path / "after", trained | head)
    cases = {"old": (old | other, list(old.values())), "bare": (bare, list(bare.values()))}
    for title, (weights, started) in cases.items():
        before = write_folder(tmp_path / title, weights)
        refused(CheckpointError, r"after has .*'classifier\.weight'.*--copy", before, after, tmp_path / "out")
        out = edit_files(before, after, tmp_path / f"{title}-out", copy=["classifier", "cls."], **LINES)
        pretrained = dict(zip(trained, started, strict=True))
        assert equal(read_folder(out), in_memory(pretrained, trained) | head)
        assert json.loads((out / "lines_recipe.json").read_text())["copy"] == ["classifier", "cls."]
    with pytest.raises(CheckpointError, match="after has no parameter 'class' to copy"):
        edit_files(before, after, tmp_path / "out", copy=["class"], **LINES)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(models: tuple[Path, Path], tmp_path: Path, value: float) -> None:
    weights = read_folder(models[1])
    weights["h.2.ln_1.bias"][3] = value
    broken = write_folder(tmp_path / "broken", weights, shards=1)
    refused(
        TaskVectorError, "'h.2.ln_1.bias' would hold NaN or infinity", models[0], broken, tmp_path / "out"
    )


def test_weights_too_large_for_the_dtype(models: tuple[Path, Path], tmp_path: Path) -> None:
    weights = read_folder(models[1]) | {"ln_f.bias": torch.full((6,), 7e5)}
    large = write_folder(tmp_path / "large", weights, shards=1)
    arguments = models[0], large, tmp_path / "out"
    refused(TaskVectorError, r"in float16: one of", *arguments, dtype=torch.float16)


def test_too_little_space(models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    refused(
        CheckpointError, "needs 0 MB and 67 MB to spare; its disk has 1 MB free", *models, tmp_path / "out"
    )


def test_a_disk_that_is_full_leaves_the_finished_files(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.write, iter(range(10**6))

    def full(descriptor: int, data: memoryview) -> int:
        if next(calls) > 20:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            edit_files(*models, tmp_path / "out", **LINES)
    assert not (tmp_path / "out").exists()
    (staged,) = tmp_path.glob(".out.*.part")
    assert len(list(staged.iterdir())) == 1
    assert equal(
        read_folder(edit_files(*models, tmp_path / "out", **LINES)), in_memory(*map(read_folder, models))
    )
