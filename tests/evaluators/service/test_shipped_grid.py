"""Tied positions of a lab that ships its gamma grid: known without a forward pass, and only these."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.experiments.grid import run_grid
from evaluators.service.shipped_grid import made_with
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.gamma_grid import GridLine, grid_path, save_grid, tied_specs
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK
from tests.evaluators.service.measured_specs import counts
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_controls import Controls

PICTURES = 6
ON = (
    EditSpec.lines("digits", 0.37),
    EditSpec.lines("digits", 0.0),
    EditSpec.finetuned("digits"),
    EditSpec.lines("digits", 1.0, shape="reverse"),
    EditSpec.pretrained("digits"),
    EditSpec.pretrained("faces"),
    EditSpec.wise_ft("digits", 0.29),
    EditSpec("tiny-clip", "digits", "linear", 0.37, 0.63, images=0),
)
OFF = (
    EditSpec.lines("digits", 0.375),
    EditSpec.lines("digits", 0.37, shape="sqrt"),
    EditSpec.lines("digits", 0.37, outside="depth"),
    EditSpec.lines("digits", 0.37, mix=0.5),
    EditSpec.lines("digits", 0.37, split="val"),
    EditSpec.lines("digits", 0.37, images=4),
    EditSpec.lines("faces", 0.37),
    EditSpec("tiny-clip", "digits", "linear", -0.2, 1.2),
    EditSpec("tiny-clip", "digits", "linear", 1.2, -0.2),
    EditSpec.merged(MergeSpec(("digits", "faces"), "sum"), 0.37, 0.63),
)


@pytest.fixture(scope="module")
def gridded(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab that ships the grid of one checkpoint under two shapes on test images."""
    folder = Path(shutil.copytree(lab, tmp_path_factory.mktemp("gridded") / "lab"))
    maker = Studio(folder, None, chunk=CHUNK)
    for shape in ("linear", "flat"):
        specs = tied_specs("digits", shape, "test", 200)
        found = dict(run_grid(maker, specs))
        truth = {task.key: task.labels for task in maker.images_of(specs[0], PICTURES)}
        line = GridLine.of(made_with(maker.lab, "digits", "test"), [found[spec] for spec in specs], truth)
        save_grid(grid_path(folder, shape, "test"), {"digits": line})
    return folder


@pytest.fixture
def studio(gridded: Path) -> Studio:
    """A studio that has measured nothing, on the lab with a grid."""
    return Studio(gridded, cache=None, chunk=CHUNK)


@pytest.fixture(scope="module")
def counting(lab: Path) -> Studio:
    """A studio on the same lab without a grid."""
    return Studio(lab, cache=None, chunk=CHUNK)


@pytest.mark.parametrize("spec", ON)
def test_a_position_on_the_grid_is_known_and_equals_a_fresh_count(
    studio: Studio, counting: Studio, encoded: list[int], spec: EditSpec
) -> None:
    known, pictured = studio.evaluate(spec), studio.pictured(spec)
    assert studio.known_pictures(spec) == pictured
    assert encoded == []
    fresh = counting.evaluate(spec, fresh=True)
    assert counts(known) == counts(fresh)
    assert [task.role for task in known.tasks] == [task.role for task in fresh.tasks]
    assert (known.spec, known.complete, known.precomputed) == (spec, True, True)
    assert (pictured.spec, pictured.complete) == (spec, False)
    for position, task in enumerate(pictured.tasks):
        assert task.n == PICTURES
        assert pictured.predicted(position) == fresh.predicted(position)[:PICTURES]
    few = replace(spec, images=PICTURES)
    assert counts(pictured) == counts(counting.evaluate(few, fresh=True))


@pytest.mark.parametrize("spec", OFF)
def test_off_the_grid_is_counted(studio: Studio, encoded: list[int], spec: EditSpec) -> None:
    assert studio.cached(spec) is None
    assert studio.known_pictures(spec) is None
    assert not studio.first(spec).precomputed
    assert encoded


def test_more_pictures_than_the_grid_has_are_counted(studio: Studio, encoded: list[int]) -> None:
    assert studio.pictured(ON[0], PICTURES).precomputed
    assert encoded == []
    assert studio.pictured(ON[0], PICTURES + 1).tasks[0].n > PICTURES
    assert encoded


def test_measured_anew_comes_before_the_grid(studio: Studio, encoded: list[int]) -> None:
    measured = studio.evaluate(ON[0], fresh=True)
    assert encoded
    assert studio.cached(ON[0]) == measured
    assert not measured.precomputed


def test_the_tied_slider_makes_no_forward_pass(studio: Studio, encoded: list[int]) -> None:
    """Numbers, both references and the strip of images were counted before; nothing is left to be."""
    answers = ExploreAnswers(studio)
    values = list(answers.settle("me", Controls(gamma=0.37)))
    assert (values[-1]["state"], values[-1]["evaluation"]["precomputed"]) == ("complete", True)
    assert values[-1]["pictures"]["target"] == "digits"
    assert len(values[-1]["pictures"]["states"][0]) == PICTURES
    for step in range(0, 101, 10):
        moved = answers.quick("me", Controls(gamma=step / 100))
        assert moved is not None
        assert (moved["state"], bool(moved["pictures"])) == ("complete", True)
    assert encoded == []


def test_files_are_read_when_they_are_asked_for(gridded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[str]()

    def noted(path: Path) -> dict[str, GridLine]:
        read.append(path.name)
        return {}

    monkeypatch.setattr("evaluators.service.shipped_grid.read_grid", noted)
    studio = Studio(gridded, cache=None, chunk=CHUNK)
    assert studio.cached(OFF[0]) is None
    assert read == []
    for _ in range(2):
        studio.cached(ON[0])
    assert read == ["linear-test.json.gz"]


@pytest.mark.parametrize("changed", ["tiny_clip/finetuned/digits.safetensors", "eval/faces-test.parquet"])
def test_a_grid_of_other_weights_or_images_is_not_shown(
    gridded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, changed: str
) -> None:
    folder = Path(shutil.copytree(gridded, tmp_path / "lab"))
    other = {"tiny_clip": "tiny_clip/finetuned/faces.safetensors", "eval": "eval/faces-val.parquet"}
    shutil.copy(folder / other[changed.split("/")[0]], folder / changed)
    studio = Studio(folder, cache=None, chunk=CHUNK)
    with caplog.at_level(logging.WARNING):
        assert studio.cached(ON[0]) is None
    assert "linear-test.json.gz was made with another lab" in caplog.text
    assert not studio.evaluate(ON[0]).precomputed


def test_another_checkpoint_does_not_matter(gridded: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(gridded, tmp_path / "lab"))
    shutil.copy(
        folder / "tiny_clip/finetuned/digits.safetensors", folder / "tiny_clip/finetuned/faces.safetensors"
    )
    assert Studio(folder, cache=None, chunk=CHUNK).cached(ON[0]) is not None


def test_a_damaged_grid_is_named_and_counted_instead(
    gridded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(gridded, tmp_path / "lab"))
    grid_path(folder, "linear", "test").write_bytes(b"no gzip")
    studio = Studio(folder, cache=None, chunk=CHUNK)
    with caplog.at_level(logging.WARNING):
        assert not studio.evaluate(ON[0]).precomputed
    assert "linear-test.json.gz is not a gamma grid" in caplog.text
    assert studio.evaluate(EditSpec.pretrained("digits")).precomputed
