"""The weights of an exported edit: those the live model carries, as other libraries load them."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import torch

from evaluators.export import LAYOUTS, Exported, export
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.checkpoints import read_checkpoint, read_metadata
from lines_core.clip_layouts.image_tower import find_tower
from tests.evaluators.export.exported_specs import (
    SPECS,
    Write,
    carried,
    every_layout,
    every_spec,
    images,
    parsed,
    same,
    weight_of,
)
from tests.paths import ASSETS


@every_spec
@every_layout
def test_the_file_holds_what_the_live_model_carries(
    studio: Studio, write: Write, spec: EditSpec, layout: str
) -> None:
    written = write(spec, layout)
    tensors = read_checkpoint(written.weights)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    found = find_tower(tensors)
    assert found.layout.startswith(LAYOUTS[layout].title)
    assert same(found.weights, carried(studio, spec))


def test_the_edits_differ(studio: Studio) -> None:
    """If all edits were alike, the test above could not fail."""
    carries = [carried(studio, spec) for spec in SPECS.values()]
    assert not any(same(one, other) for i, one in enumerate(carries) for other in carries[:i])


def test_the_live_model_is_left_alone(studio: Studio, write: Write) -> None:
    before = carried(studio, SPECS["reverse"])
    write(SPECS["gamma 0.4"])
    assert same({name: value.clone() for name, value in before.items()}, carried(studio, SPECS["reverse"]))
    live = dict(studio.lab.encoder.loaded.clip.named_parameters())
    assert all(torch.equal(live[name], value) for name, value in before.items())


def test_it_does_not_wait_for_the_studio(studio: Studio, write: Write) -> None:
    """Whoever is evaluating holds the lock for a chunk; an export goes on beside it."""
    done: list[Exported] = []
    studio.warm_up()
    with studio._scheduler.turn(Ticket()):
        thread = threading.Thread(target=lambda: done.append(write(SPECS["gamma 0.4"])))
        thread.start()
        thread.join(120)
        in_time = list(done)
    thread.join()
    assert in_time


def test_a_narrower_live_model_does_not_narrow_the_file(lab: Path, studio: Studio, tmp_path: Path) -> None:
    narrow = Studio(lab, None, dtype=torch.bfloat16)
    written = export(narrow.lab, SPECS["gamma 0.4"], "open_clip", tmp_path)
    exact = carried(studio, SPECS["gamma 0.4"])
    assert same(read_checkpoint(written.weights), exact)
    rounded = carried(narrow, SPECS["gamma 0.4"])
    assert all(torch.equal(rounded[name], value.bfloat16()) for name, value in exact.items())


@torch.no_grad()
def test_open_clip_loads_it(studio: Studio, write: Write, lab: Path) -> None:
    import open_clip

    written = write(SPECS["reverse"])
    clip = open_clip.create_model(f"local-dir:{lab / 'tiny_clip'}").eval()
    expected = carried(studio, SPECS["reverse"])
    live = studio.lab.encoder.loaded.clip
    assert (clip.encode_image(images()) - live.encode_image(images())).abs().max() > 0.1
    tower = {name.removeprefix("visual."): value for name, value in read_checkpoint(written.weights).items()}
    clip.visual.load_state_dict(tower, strict=True)
    assert same({f"visual.{name}": value for name, value in clip.visual.state_dict().items()}, expected)
    torch.testing.assert_close(clip.encode_image(images()), live.encode_image(images()), rtol=0, atol=1e-5)


@torch.no_grad()
def test_transformers_loads_it(studio: Studio, write: Write) -> None:
    from transformers import CLIPVisionModelWithProjection

    written = write(SPECS["by hand"], "transformers")
    loaded: Any = CLIPVisionModelWithProjection.from_pretrained(
        written.weights.parent, output_loading_info=True
    )
    model, report = loaded
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    expected = carried(studio, SPECS["by hand"])
    assert same(find_tower(model.state_dict()).weights, expected)
    features = model.eval()(pixel_values=images()).image_embeds
    live = studio.lab.encoder.loaded.clip.encode_image(images())
    torch.testing.assert_close(features, live, rtol=0, atol=1e-5)
    assert live.abs().mean() > 0.1, "too small for an absolute difference to say anything"


@every_layout
def test_the_metadata_say_how_it_was_made(write: Write, layout: str) -> None:
    spec = SPECS["by hand"]
    metadata = read_metadata(write(spec, layout).weights)
    assert EditSpec.from_dict(json.loads(metadata["spec"])) == spec
    coefficients = json.loads(metadata["coefficients"])
    assert (tuple(coefficients["blocks"]), coefficients["before"], coefficients["after"]) == spec.scales(4)
    assert json.loads(metadata["source"]) == ["assets/tiny_clip/finetuned/digits.safetensors"]
    assert metadata["base_model"] == "assets/tiny_clip/open_clip_model.safetensors"
    assert metadata["format"] == "pt"  # versions of transformers before 5 read no other
    assert metadata["formula"].startswith("theta = theta_0 + c(l) * tau")


def test_what_ships_can_be_taken_home(tmp_path: Path) -> None:
    """The real lab, whose 12 blocks have names of which some begin others: 1 and 10, 11."""
    lab = Studio(ASSETS, None).lab
    spec = EditSpec.lines("vehicles", 0.3, outside="depth")
    written = export(lab, spec, "transformers", tmp_path)
    tensors = read_checkpoint(written.weights)
    lab.encoder.write_edit("vehicles", spec.scales(12))
    live = dict(lab.encoder.loaded.clip.named_parameters())
    found = find_tower(tensors).weights
    assert len(found) == 152
    assert all(torch.equal(live[name], value) for name, value in found.items())

    scales = spec.scales(12)
    (model,) = parsed(written.recipe.read_text("utf-8"))["models"]
    for name in tensors:
        block = re.search(r"\.layers\.(\d+)\.", name)
        outside = scales.after if "post" in name or "projection" in name else scales.before
        expected = scales.blocks[int(block[1])] if block else outside
        assert weight_of(name, model["parameters"]["weight"]) == expected, name
