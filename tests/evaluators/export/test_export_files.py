"""The files of an export: all of them or none, and what is refused."""

import resource
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError, SpecError
from evaluators.export import ExportError, export
from evaluators.export.export_limits import check_size
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint
from lines_core.clip_layouts.image_tower import find_tower
from tests.evaluators.export.exported_specs import SPECS, Write, carried, every_layout, same


@every_layout
def test_the_bundle_holds_the_others(write: Write, layout: str) -> None:
    written = write(SPECS["gamma 0.4"], layout)
    files = [written.weights.parent / name for name in written.inside]
    named = {file.name for file in (written.weights, written.card, written.recipe)}
    configs = {"config.json", "preprocessor_config.json"} if layout == "transformers" else set()
    assert {file.name for file in files} == named | configs
    assert (written.config is not None) == (layout == "transformers")
    with zipfile.ZipFile(written.bundle) as bundle:
        assert bundle.testzip() is None
        folder = written.bundle.stem
        assert {name: bundle.read(name) for name in bundle.namelist()} == {
            f"{folder}/{file.name}": file.read_bytes() for file in files
        }
    assert {file.name for file in written.card.parent.iterdir()} == {
        file.name for file in (*files, written.bundle)
    }


def test_another_export_takes_the_place_of_the_first(write: Write) -> None:
    first = write(SPECS["gamma 0"])
    text = first.card.read_text("utf-8")
    second = write(SPECS["gamma 0.4"])
    assert second.card == first.card
    assert second.card.read_text("utf-8") != text
    assert second.bundle != first.bundle
    assert same(read_checkpoint(second.weights), read_checkpoint(write(SPECS["gamma 0.4"]).weights))


def test_a_merge_is_named_after_its_method(write: Write) -> None:
    assert write(SPECS["ties"]).bundle.name.startswith("merge-ties-digits-faces-")
    assert write(SPECS["gamma 0"]).bundle.name.startswith("digits-gamma0")


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The system refuses to write more than so many bytes into one file, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("where", ["weights", "bundle"])
def test_a_full_disk_leaves_nothing(studio: Studio, tmp_path: Path, where: str) -> None:
    folder, probe = tmp_path / "out", tmp_path / "probe"
    folder.mkdir()
    probe.mkdir()
    whole = export(studio.lab, SPECS["gamma 0"], "open_clip", probe).weights.stat().st_size
    limit = {"weights": whole // 2, "bundle": whole + 16}[where]
    with no_file_above(limit), pytest.raises(ExportError, match=r"cannot be written to .*Make room"):
        export(studio.lab, SPECS["gamma 0"], "open_clip", folder)
    assert list(folder.iterdir()) == []
    earlier = export(studio.lab, SPECS["gamma 0"], "open_clip", folder)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with no_file_above(limit), pytest.raises(ExportError):
        export(studio.lab, SPECS["gamma 0.4"], "open_clip", folder)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    assert earlier.weights in before


@pytest.mark.parametrize("name", ["model.safetensors", "README.md", "recipe.yaml"])
def test_a_file_that_cannot_be_replaced_leaves_nothing(studio: Studio, tmp_path: Path, name: str) -> None:
    (tmp_path / name / "in the way").mkdir(parents=True)
    with pytest.raises(ExportError, match=r"cannot be written to .*directory"):
        export(studio.lab, SPECS["gamma 0"], "open_clip", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("folder", ["absent", "a file"])
def test_no_folder(studio: Studio, tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(ExportError, match=r"There is no folder .*make it first"):
        export(studio.lab, SPECS["gamma 0"], "open_clip", tmp_path / folder)
    assert [file.name for file in tmp_path.iterdir()] == ["a file"]


@pytest.mark.parametrize(
    ("spec", "layout", "kind", "message"),
    [
        (SPECS["gamma 0"], "timm", ExportError, "Unknown layout 'timm': pick one of open_clip, transformers"),
        (EditSpec("ViT-B-32", "digits"), "open_clip", SpecError, "one of 'ViT-B-32', not of 'tiny-clip'"),
        (EditSpec.lines("textures", 0.5), "open_clip", SpecError, "no checkpoint 'textures': pick one of"),
        (
            EditSpec.merged(MergeSpec(("digits", "textures"))),
            "open_clip",
            SpecError,
            "no checkpoint 'textures'",
        ),
        (EditSpec(shape="free", free_form=(1.0, 1.0)), "open_clip", SpecError, "2 scales, the encoder 4"),
    ],
)
def test_what_cannot_be_exported(
    studio: Studio, tmp_path: Path, spec: EditSpec, layout: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        export(studio.lab, spec, layout, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_added(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Unknown extra 'heads': pick from clip, models"):
        export(studio.lab, SPECS["gamma 0"], "open_clip", tmp_path, extras=("heads",))
    assert list(tmp_path.iterdir()) == []


@every_layout
def test_the_models_it_was_made_of_go_along(studio: Studio, tmp_path: Path, layout: str) -> None:
    written = export(studio.lab, SPECS["sum"], layout, tmp_path, extras=("models",))
    folders = [tmp_path / "models" / name for name in ("pretrained", "1-digits", "2-faces")]
    edits = [SPECS["pre-trained"], EditSpec.finetuned("digits"), EditSpec.finetuned("faces")]
    for folder, edit in zip(folders, edits, strict=True):
        weights = read_checkpoint(folder / "model.safetensors")
        assert same(find_tower(weights).weights, carried(studio, edit))
        assert (folder / "config.json").is_file() == (layout == "transformers")
    with zipfile.ZipFile(written.bundle) as bundle:
        assert f"{written.bundle.stem}/models/2-faces/model.safetensors" in bundle.namelist()


def test_an_export_has_a_size_that_it_may_have(studio: Studio, tmp_path: Path) -> None:
    """Nine towers of ViT-B/32 are 3 GB, and 6 GB with the bundle: they were written unasked."""
    tower = 4 * studio.lab.encoder.layout.numel
    for extras, size, said in (
        ((), tower, f"take {tower / 1e6:.1f} MB, at most 0.0 MB are written: choose another folder"),
        (("models",), 4 * tower, "with the 3 models they were made of, at most .*leave those models out"),
        (("clip",), tower + 1, "at most"),
    ):
        with pytest.raises(ExportError, match=said):
            export(studio.lab, SPECS["sum"], "open_clip", tmp_path, (), extras, size - 1 if extras else 1)
        assert list(tmp_path.iterdir()) == []
    export(studio.lab, SPECS["sum"], "open_clip", tmp_path, (), ("models",), 4 * tower)
    weights = [len(read_checkpoint(path)) for path in tmp_path.rglob("*.safetensors")]
    assert len(weights) == 4


def test_an_export_must_fit_onto_the_disk_twice(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_size(free // 4, 0, tmp_path, free)
    with pytest.raises(ExportError, match=r"again in the bundle; .* are free: make room, or choose another"):
        check_size(free // 2, 0, tmp_path, free)
    with pytest.raises(ExportError, match=r"with the 9 models .* make room, or leave those models out"):
        check_size(free // 2, 9, tmp_path, free)


def test_another_activation_is_not_guessed(studio: Studio, tmp_path: Path) -> None:
    """A tower of another make would load into transformers without a word, and give other features."""
    for block in studio.lab.encoder.loaded.clip.visual.transformer.resblocks:
        block.mlp.gelu = torch.nn.SiLU()
    with pytest.raises(LabError, match="activation is SiLU, expected one of QuickGELU, GELU"):
        export(studio.lab, SPECS["gamma 0"], "transformers", tmp_path)
    assert list(tmp_path.iterdir()) == []
