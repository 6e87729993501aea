"""mergekit's two programs run the exported recipes, and their weights are those of the export."""

from pathlib import Path

import pytest

from evaluators.export import Exported, export
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint
from tests.evaluators.export.exported_specs import SPECS
from tests.evaluators.export.mergekit_programs import PROGRAMS, Mergekit
from tests.paths import ROOT


def furthest(written: Exported) -> float:
    """Largest distance of a weight of mergekit's from the export's, both with the same names."""
    theirs = read_checkpoint(written.weights.parent / "merged" / "model.safetensors")
    ours = read_checkpoint(written.weights)
    tower = {name: value for name, value in ours.items() if name in theirs}
    assert tower.keys() == theirs.keys()
    assert {name for name in ours if name.startswith(("vis", "vision"))} <= theirs.keys()
    return max(float((theirs[name] - value).abs().max()) for name, value in tower.items())


@pytest.mark.parametrize(
    ("layout", "name"), [("open_clip", "weighted"), ("transformers", "by hand"), ("transformers", "average")]
)
def test_it_runs_in_the_exported_folder(
    mergekit: Mergekit, studio: Studio, tmp_path: Path, layout: str, name: str
) -> None:
    """The weights are of the order of 0.1 to 1: a wrong coefficient would be seen at once."""
    extras = ("models", "clip") if layout == "open_clip" else ("models",)
    written = export(studio.lab, SPECS[name], layout, tmp_path, extras=extras)
    ran = mergekit(layout, written.recipe, tmp_path)
    assert ran.returncode == 0, ran.said
    assert furthest(written) < 3e-7


def test_it_runs_in_a_checkout(mergekit: Mergekit, tmp_path: Path) -> None:
    """Twelve blocks, of whose names some begin others; the paths are those of a checkout."""
    lab = Studio(ROOT / "assets", None).lab
    spec = EditSpec.merged(MergeSpec(("digits", "vehicles")), 0.3, 0.4, outside="depth")
    written = export(lab, spec, "open_clip", tmp_path)
    ran = mergekit("open_clip", written.recipe, ROOT)
    assert ran.returncode == 0, ran.said
    assert furthest(written) < 3e-7


def test_it_stops_at_names_that_the_recipe_does_not_speak_of(
    mergekit: Mergekit, studio: Studio, tmp_path: Path
) -> None:
    """It merged such files with one coefficient for all, and said nothing: the last block was off by 71 %."""
    folders = {layout: tmp_path / layout for layout in PROGRAMS}
    for layout, folder in folders.items():
        folder.mkdir()
        written = export(studio.lab, SPECS["reverse"], layout, folder, extras=("models",))
    recipe = written.recipe.read_text("utf-8")
    for model in ("pretrained", "1-digits"):
        recipe = recipe.replace(f"./models/{model}", f"models/{model}/model.safetensors")
    (folders["open_clip"] / "recipe.yaml").write_text(recipe, encoding="utf-8")
    ran = mergekit("open_clip", folders["open_clip"] / "recipe.yaml", folders["open_clip"])
    assert ran.returncode != 0
    assert "Missing required parameter weight" in ran.said
    assert not (folders["open_clip"] / "merged").exists()
