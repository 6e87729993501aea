"""An export of the embedded ConvNeXt: open_clip loads it by itself, and other layouts are refused."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from evaluators.export import EXTRAS, ExportError, export
from evaluators.labs.embedded_lab import TINY_CONVNEXT
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint
from lines_core.clip_layouts.image_tower import image_tower
from tests.conftest import CHUNK
from tests.convnext_lab import BLOCKS, KEYS
from tests.evaluators.export.exported_specs import parsed, weight_of

SPEC = EditSpec.lines("digits", 0.4, model=TINY_CONVNEXT)


@pytest.fixture
def studio(both_labs: Path) -> Studio:
    return Studio(both_labs, None, chunk=CHUNK)


def test_the_snippet_of_a_whole_clip_runs_as_printed(studio: Studio, tmp_path: Path) -> None:
    """In a process of its own, which imports nothing of the Explorer: timm's tower is open_clip's to make."""
    written = export(studio.lab_of(TINY_CONVNEXT), SPEC, "open_clip", tmp_path, extras=("clip",))
    code = written.card.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    code += "\ntorch.save(features, 'features.pt')\n"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    encoder = studio.lab_of(TINY_CONVNEXT).encoder
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in studio.lab._normalisation())
    black = (-mean / std).expand(1, 3, 32, 32)
    plain = encoder.loaded.clip.encode_image(black, normalize=True)
    encoder.write_edit("digits", SPEC.scales(BLOCKS))
    expected = encoder.loaded.clip.encode_image(black, normalize=True)
    assert (expected - plain).abs().max() > 0.01, "the pre-trained model would have passed"
    features = torch.load(tmp_path / "features.pt", weights_only=True)
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_the_recipe_has_a_coefficient_for_every_parameter(studio: Studio, tmp_path: Path) -> None:
    """What mergekit's task arithmetic would make of it is the file."""
    spec = EditSpec.merged(MergeSpec(KEYS, "sum"), 0.2, 0.5, model=TINY_CONVNEXT)
    lab = studio.lab_of(TINY_CONVNEXT)
    written = export(lab, spec, "open_clip", tmp_path)
    plan = parsed(written.recipe.read_text("utf-8"))
    assert plan["base_model"] == "assets/tiny_convnext/open_clip_model.safetensors"
    theta = {name: value.clone() for name, value in lab.encoder.pretrained().items()}
    for key, model in zip(KEYS, plan["models"], strict=True):
        assert model["model"] == f"assets/tiny_convnext/finetuned/{key}.safetensors"
        for name, tau in lab.encoder.layout.unflatten(lab.encoder.residual(key)).items():
            theta[name] += weight_of(name, model["parameters"]["weight"]) * tau
    tensors = read_checkpoint(written.weights)
    assert tensors.keys() == theta.keys()
    for name, value in theta.items():
        torch.testing.assert_close(tensors[name], value, rtol=1e-5, atol=1e-6)
    assert "checkout" not in written.recipe.read_text("utf-8").partition("base_model")[0]


@pytest.mark.parametrize("extras", [(), ("clip",)])
def test_its_own_file_is_a_checkpoint_of_it_again(
    studio: Studio, tmp_path: Path, extras: tuple[str, ...]
) -> None:
    """The image tower alone, and a whole CLIP, whose text tower has the names of a ViT's blocks."""
    encoder = studio.lab_of(TINY_CONVNEXT).encoder
    written = export(studio.lab_of(TINY_CONVNEXT), SPEC, "open_clip", tmp_path, extras=extras)
    encoder.write_edit("digits", SPEC.scales(BLOCKS))
    found = image_tower(read_checkpoint(written.weights), encoder.pretrained(), "Tiny ConvNeXt")
    assert list(found.weights) == list(encoder.pretrained())
    for name, value in encoder.loaded.clip.visual.named_parameters(prefix="visual"):
        torch.testing.assert_close(found.weights[name], value, rtol=1e-5, atol=1e-6)


def test_no_other_library_and_no_other_tower_is_spoken_of(studio: Studio, tmp_path: Path) -> None:
    """The form offered "pipelines of transformers", the card told which coefficient ln_pre and proj get."""
    written = export(studio.lab_of(TINY_CONVNEXT), SPEC, "open_clip", tmp_path, extras=tuple(EXTRAS))
    card = written.card.read_text("utf-8")
    for said in (card, written.recipe.read_text("utf-8"), *EXTRAS.values()):
        assert "transformers" not in said
    assert "What lies before block 1 and after block L gets α: in a ViT " in card


def test_transformers_has_no_such_tower(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no CLIP whose image tower is a ConvNeXt: pick open_clip"):
        export(studio.lab_of(TINY_CONVNEXT), SPEC, "transformers", tmp_path)
    assert [*tmp_path.iterdir()] == []
