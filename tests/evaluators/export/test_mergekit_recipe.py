"""The mergekit recipe: it names the coefficients that were applied."""

from pathlib import Path

import pytest
import torch

from evaluators.export import LAYOUTS, ExportLayout
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec, Scales
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint
from tests.evaluators.export.exported_specs import SPECS, Write, every_layout, parsed, weight_of


def listed(scales: Scales, layout: ExportLayout) -> list[float]:
    """The coefficients in the order of a recipe."""
    after, before = len(layout.after) * [scales.after], len(layout.before) * [scales.before]
    return [*scales.blocks, *after, *before]


@every_layout
@pytest.mark.parametrize("name", [name for name in SPECS if name != "ties"])
def test_the_recipe_says_the_same_scales(studio: Studio, write: Write, layout: str, name: str) -> None:
    """What mergekit's task arithmetic would make of it is the file."""
    spec = SPECS[name]
    written = write(spec, layout)
    plan = parsed(written.recipe.read_text("utf-8"))
    assert plan["merge_method"] == "task_arithmetic"
    assert plan["dtype"] == "float32"
    assert plan["base_model"] == "assets/tiny_clip/open_clip_model.safetensors"
    paths = [f"assets/tiny_clip/finetuned/{key}.safetensors" for key in spec.sources]
    assert [model["model"] for model in plan["models"]] == paths

    scales, count = spec.scales(4), len(spec.sources)
    share = 1 / count if name == "average" else 1
    for model in plan["models"]:
        weights = model["parameters"]["weight"]
        factor = {"digits": -2.0, "faces": 0.5}[Path(model["model"]).stem] if name == "weighted" else 1.0
        assert [entry["value"] for entry in weights] == [
            share * factor * scale for scale in listed(scales, LAYOUTS[layout])
        ]
        assert all(entry["filter"] for entry in weights)
    assert plan.get("parameters", {}) == ({"normalize": False} if count > 1 else {})

    encoder = studio.lab.encoder
    rename = LAYOUTS[layout].rename
    theta = {name: value.clone() for name, value in rename(encoder.pretrained()).items()}
    for key, model in zip(spec.sources, plan["models"], strict=True):
        for parameter, tau in rename(encoder.layout.unflatten(encoder.residual(key))).items():
            theta[parameter] += weight_of(parameter, model["parameters"]["weight"]) * tau
    tensors = read_checkpoint(written.weights)
    assert tensors.keys() == theta.keys()
    for parameter, value in theta.items():
        torch.testing.assert_close(tensors[parameter], value, rtol=1e-5, atol=1e-6)


def test_the_recipe_of_a_merge_that_mergekit_does_not_know(write: Write) -> None:
    spec = SPECS["ties"]
    assert spec.merge
    text = write(spec).recipe.read_text("utf-8")
    assert (
        "# mergekit cannot run it: merge_method and its parameters are those of the LiNeS Explorer." in text
    )
    plan = parsed(text)
    assert plan["merge_method"] == "ties"
    scales = spec.scales(4)
    settings = {name: value for name, value in plan["parameters"].items() if name != "lambda"}
    assert settings == dict(spec.merge.settings)
    values = [entry["value"] for entry in plan["parameters"]["lambda"]]
    assert values == listed(scales, LAYOUTS["open_clip"])


def test_the_recipe_of_a_slerp(write: Write) -> None:
    """mergekit has a slerp too, of something else."""
    spec = EditSpec.merged(MergeSpec(("digits", "faces"), "slerp", (("t", 0.3),)), 0.5, 0.5)
    written = write(spec)
    text = written.recipe.read_text("utf-8")
    assert "it interpolates the models,\n# not what fine-tuning changed." in text
    plan = parsed(text)
    assert (plan["merge_method"], plan["parameters"]["t"]) == ("slerp", 0.3)
    assert "merged by Slerp (scope 0, t 0.3)" in written.card.read_text("utf-8")


def test_the_recipe_of_a_merge_by_matrix(write: Write) -> None:
    """mergekit has nothing of that kind."""
    written = write(EditSpec.merged(MergeSpec(("digits", "faces"), "tsv-m"), 0.2, 1.6))
    text = written.recipe.read_text("utf-8")
    assert "mergekit cannot run it" in text
    assert "similar names" not in text
    assert (parsed(text)["merge_method"], parsed(text)["parameters"].keys()) == ("tsv-m", {"lambda"})
    assert "merged by TSV-M" in written.card.read_text("utf-8")


def test_the_recipe_of_a_method_for_one_task(write: Write) -> None:
    merge = MergeSpec(("digits", "faces"), "tall-masks", task="faces")
    plan = parsed(write(EditSpec.merged(merge)).recipe.read_text("utf-8"))
    assert plan["parameters"]["task"] == "faces"


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("open_clip", "#   mergekit-pytorch recipe.yaml merged"),
        ("transformers", "mergekit 0.1.5 runs it once base_model and models are local"),
    ],
)
def test_the_recipe_says_what_mergekit_can_do(write: Write, layout: str, words: str) -> None:
    text = write(SPECS["gamma 0.4"], layout).recipe.read_text("utf-8")
    assert text.startswith("# This describes, in mergekit's form,")
    assert words in text
    assert SPECS["gamma 0.4"].key() in text
