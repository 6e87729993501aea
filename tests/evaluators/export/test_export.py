"""An edited model taken home: other libraries load the very weights, and its papers say what is true."""

import dataclasses
import importlib
import json
import re
import resource
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from torch import Tensor

from evaluators.errors import EvaluationError, LabError, SpecError
from evaluators.export import LAYOUTS, Exported, ExportError, export
from evaluators.export.edit_sources import BaseModel, SourceCheckpoint, base_of, sources_of
from evaluators.export.escaping import one_line
from evaluators.export.mergekit_recipe import recipe
from evaluators.export.model_card import LICENCE, card
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint, read_metadata
from lines_core.clip_layouts.image_tower import find_tower
from tests.paths import ASSETS, ROOT

Tensors = dict[str, Tensor]
Write = Callable[..., Exported]

SPECS = {
    "gamma 0": EditSpec.lines("digits", 0.0),
    "gamma 0.4": EditSpec.lines("digits", 0.4),
    "pre-trained": EditSpec.pretrained("digits"),
    "fine-tuned": EditSpec.finetuned("faces"),
    "flat, mixed": EditSpec(checkpoint="faces", shape="flat", alpha=0.7, mix=0.3),
    "reverse": EditSpec.lines("digits", 0.25, shape="reverse", outside="depth"),
    "quadratic": EditSpec.lines("objects", 0.1, shape="quadratic", outside="finetuned"),
    "tiny": EditSpec(checkpoint="digits", alpha=1e-7, beta=3e-9, outside="pretrained"),
    "by hand": EditSpec(
        checkpoint="digits", shape="free", alpha=0.5, free_form=(0.0, 2.0, -1.0, 1.0), mix=0.9
    ),
    "sum": EditSpec.merged(MergeSpec(("faces", "digits")), 0.3, 0.2),
    "average": EditSpec.merged(MergeSpec(("faces", "digits"), "average"), 0.5, 0.5),
    "ties": EditSpec.merged(MergeSpec(("faces", "digits"), "ties"), 0.4, 0.4),
}
every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.fixture
def write(studio: Studio, tmp_path: Path) -> Write:
    """``write(spec, layout, *evaluations)``: an export into an empty folder."""

    def write(spec: EditSpec, layout: str = "open_clip", *evaluations: Evaluation) -> Exported:
        return export(studio.lab, spec, layout, tmp_path, evaluations)

    return write


def carried(studio: Studio, spec: EditSpec) -> Tensors:
    """The live model's image tower while it carries the spec."""
    studio.lab.encoder.write_edit(spec.merge or spec.checkpoint, spec.scales(4))
    named = studio.lab.encoder.loaded.clip.named_parameters()
    return {name: value.detach().clone() for name, value in named if name.startswith("visual.")}


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def images() -> Tensor:
    return torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(3))


# The weights


@every_spec
@every_layout
def test_the_file_holds_what_the_live_model_carries(
    studio: Studio, write: Write, spec: EditSpec, layout: str
) -> None:
    written = write(spec, layout)
    tensors = read_checkpoint(written.weights)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    found = find_tower(tensors)
    assert found.layout == LAYOUTS[layout].title
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
        thread.join(30)
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


# The files


@every_layout
def test_the_bundle_holds_the_others(write: Write, layout: str) -> None:
    written = write(SPECS["gamma 0.4"], layout)
    files = [written.weights, written.card, written.recipe, *([written.config] if written.config else [])]
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
    assert write(SPECS["ties"]).bundle.name.startswith("tiny-clip-ties-of-2-")
    assert write(SPECS["gamma 0"]).bundle.name.startswith("tiny-clip-digits-")


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


def test_another_activation_is_not_guessed(studio: Studio, tmp_path: Path) -> None:
    """A tower of another make would load into transformers without a word, and give other features."""
    for block in studio.lab.encoder.loaded.clip.visual.transformer.resblocks:
        block.mlp.gelu = torch.nn.SiLU()
    with pytest.raises(LabError, match="activation is SiLU, expected one of QuickGELU, GELU"):
        export(studio.lab, SPECS["gamma 0"], "transformers", tmp_path)
    assert list(tmp_path.iterdir()) == []


# The card


def accuracies(text: str) -> dict[str, list[str]]:
    """Cells by the first of their row, of the table of accuracies."""
    table = text.split("## Accuracy")[1].split("## Load")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def said(cell: str) -> tuple[float, ...]:
    """Accuracy, interval and counts of a cell."""
    return tuple(map(float, re.findall(r"[\d.]+", cell)))


def percent(*values: float) -> tuple[float, ...]:
    return tuple(float(f"{100 * value:.1f}") for value in values)


@pytest.fixture
def measured(studio: Studio) -> list[Evaluation]:
    spec = SPECS["gamma 0.4"]
    return [
        studio.evaluate(one)
        for one in (
            spec,
            replace(spec, split="val", images=10),
            EditSpec.pretrained("faces"),
            EditSpec.finetuned("digits"),
            EditSpec.lines("digits", 0.7, mix=0.5),
        )
    ]


def test_the_numbers_are_those_of_the_evaluations(write: Write, measured: list[Evaluation]) -> None:
    text = write(SPECS["gamma 0.4"], "open_clip", *measured).card.read_text("utf-8")
    table = accuracies(text)
    assert table["task"] == [
        "role",
        "this model, test",
        "this model, val",
        "pre-trained, test",
        "fine-tuned, test",
        "linear, α 0.7, β 0.3, mix 0.5, test",
    ]
    for column, evaluation in enumerate(measured, start=1):
        for task in evaluation.tasks:
            row = table[f"`{task.title}`"]
            assert row[0] == ("target" if task.key == "digits" else "control")
            expected = (*percent(task.accuracy, task.low, task.high), task.correct, task.n)
            assert said(row[column]) == expected
        if column != 3:  # there faces was the target
            mean = percent(evaluation.control, *evaluation.control_interval)
            assert said(table["mean of 2"][column]) == mean
    controls = [task for task in measured[2].tasks if task.key != "digits"]
    assert said(table["mean of 2"][3])[:1] == percent(sum(task.accuracy for task in controls) / 2)
    assert "- this model, test split: 42 images per task, float32 on cpu, " in text
    assert "- this model, val split: 10 images per task, float32 on cpu, " in text
    assert text.count("measured where it was exported") == len(measured)
    assert "95 % interval" in text
    assert "balanced by class" in text


def test_the_cells_can_be_wrong(write: Write, measured: list[Evaluation]) -> None:
    """Another count gives another card."""
    first = measured[0]
    task = first.tasks[0]
    more = replace(task, correct=task.correct - 1)
    changed = replace(first, tasks=(more, *first.tasks[1:]))
    texts = [write(first.spec, "open_clip", one).card.read_text("utf-8") for one in (first, changed)]
    assert accuracies(texts[0]) != accuracies(texts[1])


def test_where_the_numbers_come_from_is_said(write: Write, measured: list[Evaluation]) -> None:
    shipped = replace(measured[0], precomputed=True, dtype="bfloat16", device="cuda")
    text = write(shipped.spec, "open_clip", shipped).card.read_text("utf-8")
    assert "bfloat16 on cuda, to which the float32 weights were rounded" in text
    assert "shipped with the LiNeS Explorer." in text
    assert "measured where it was exported" not in text


def test_a_model_that_was_not_measured(write: Write, measured: list[Evaluation]) -> None:
    spec = SPECS["gamma 0"]
    assert "\n## Accuracy\n\nNot measured.\n" in write(spec).card.read_text("utf-8")
    compared = write(spec, "open_clip", *measured[2:]).card.read_text("utf-8")
    assert "This model itself was not measured" in compared
    assert "This model itself was not measured" not in write(
        SPECS["gamma 0.4"], "open_clip", *measured
    ).card.read_text("utf-8")


def test_the_means_of_a_merge(studio: Studio, write: Write) -> None:
    """Both of its tasks are targets, and the fine-tuned models are what it is compared with."""
    spec = SPECS["sum"]
    evaluations = [studio.evaluate(spec), *(studio.evaluate(EditSpec.finetuned(key)) for key in spec.sources)]
    table = accuracies(write(spec, "open_clip", *evaluations).card.read_text("utf-8"))
    head = ["role", "this model, test", "fine-tuned (digits), test", "fine-tuned (faces), test"]
    assert table["task"] == head
    assert [table[f"`{title}`"][0] for title in ("Digits", "Faces", "Textures")] == [
        "target",
        "target",
        "control",
    ]
    merged = evaluations[0]
    assert said(table["mean of 2"][1]) == percent(merged.target, *merged.target_interval)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (EditSpec.finetuned("faces"), "says nothing of an edit of tiny-clip, 'digits'"),
        (EditSpec.merged(MergeSpec(("digits", "faces"))), "says nothing of an edit of tiny-clip, 'digits'"),
    ],
)
def test_numbers_of_another_model_are_refused(
    studio: Studio, write: Write, tmp_path: Path, of: EditSpec, message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        write(SPECS["gamma 0"], "open_clip", studio.evaluate(of))
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_another_encoder_are_refused(write: Write, measured: list[Evaluation]) -> None:
    foreign = replace(measured[2], spec=replace(measured[2].spec, model="ViT-B-32"))
    with pytest.raises(EvaluationError, match="ViT-B-32, 'faces', says nothing"):
        write(SPECS["gamma 0"], "open_clip", foreign)


def test_partial_numbers_are_refused(studio: Studio, write: Write) -> None:
    partial = next(iter(studio.stream(SPECS["gamma 0.4"])))
    assert not partial.complete
    with pytest.raises(EvaluationError, match="complete evaluations, got a partial one"):
        write(SPECS["gamma 0.4"], "open_clip", partial)


@every_spec
@every_layout
def test_the_card_is_one_the_hub_reads(write: Write, lab: Path, spec: EditSpec, layout: str) -> None:
    text = write(spec, layout).card.read_text("utf-8")
    data: Any = ModelCard(text).data
    assert (data.base_model, data.library_name, data.license) == ("tiny-clip", layout, None)
    assert data.tags
    assert "lines" in data.tags
    assert LICENCE in text
    fence = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert fence
    assert EditSpec.from_dict(json.loads(fence[1])) == spec
    scales = spec.scales(4)
    listed = re.findall(r"^\| (?:block \d+|(?:before|after) block \d+) \| (\S+) \|$", text, re.MULTILINE)
    expected = (scales.before, *scales.blocks, scales.after)
    assert list(map(float, listed)) == pytest.approx(expected, rel=1e-5)
    for folder in (ROOT, lab):
        assert str(folder) not in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gamma 0.4", "Single-task LiNeS with γ = 0.4. Linear scaling function"),
        ("gamma 0.4", "α = 0.4 and β = 0.6: 0.4 in block 1, 1 in block 4."),
        ("reverse", "Reverse scaling function, λ(ℓ) = α + β·(1 − x) with x"),
        ("reverse", ": 1 in block 1, 0.25 in block 4. Parameters before the first block"),
        ("flat, mixed", "Every block alike: λ = 0.7, which is task arithmetic."),
        ("flat, mixed", "multiplied by the WiSE-FT mix 0.3."),
        ("by hand", "A coefficient of its own for every block, given by hand."),
        ("ties", "# Tiny CLIP, 2 fine-tuned models merged and edited"),
        ("ties", "what 2 fine-tunings changed, merged by TIES"),
        ("sum", "α = 0.3 and β = 0.2: 0.3 in block 1, 0.5 in block 4."),
        ("gamma 0", "# Tiny CLIP, fine-tuned on `Digits` and edited"),
    ],
)
def test_the_edit_in_words(write: Write, name: str, words: str) -> None:
    text = write(SPECS[name]).card.read_text("utf-8")
    assert words in text
    assert ("Single-task LiNeS" in text) == (name in ("gamma 0.4", "gamma 0"))


def test_the_snippets_run_as_printed(studio: Studio, tmp_path: Path, lab: Path) -> None:
    """In another process, in the folder of the files; only a broken torchvision is helped to its feet."""
    spec = SPECS["reverse"]
    for layout in LAYOUTS:
        folder = tmp_path / layout
        folder.mkdir()
        text = export(studio.lab, spec, layout, folder).card.read_text("utf-8")
        (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        assert len([line for line in code.splitlines() if line.strip()]) == 10
        (folder / "snippet.py").write_text(code)
        (folder / "assets").symlink_to(lab)
    start = (
        "import os, runpy, sys, torch\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from evaluators.encoder.torchvision_operators import declare_missing_operators\n"
        "declare_missing_operators()\n"
        "torch.set_num_threads(1)\n"
        f"for layout in {list(LAYOUTS)}:\n"
        "    os.chdir(layout)\n"
        "    torch.save(runpy.run_path('snippet.py')['features'], 'features.pt')\n"
        "    os.chdir('..')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", start], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr

    base, clip = base_of(studio.lab), studio.lab.encoder.loaded.clip
    black = (-torch.tensor(base.mean) / torch.tensor(base.std)).view(1, 3, 1, 1).expand(1, 3, 24, 24)
    with torch.no_grad():
        carried(studio, SPECS["pre-trained"])
        plain = clip.encode_image(black, normalize=True)
        carried(studio, spec)
        expected = clip.encode_image(black, normalize=True)
    assert (expected - plain).abs().max() > 0.01, "the pre-trained model would have passed"
    for layout in LAYOUTS:
        features = torch.load(tmp_path / layout / "features.pt", weights_only=True)
        torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


# The recipe


def parsed(text: str) -> Any:
    """With PyYAML, which huggingface_hub brings along."""
    return importlib.import_module("yaml").safe_load(text)


def weight_of(name: str, setting: Any) -> float:
    """The value mergekit takes for a parameter: of the first entry whose filter is in its name."""
    for entry in setting:
        if entry.get("filter", "") in name:
            value = entry["value"]
            assert isinstance(value, float)
            return value
    raise AssertionError(f"no coefficient for {name}")


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
        assert [entry["value"] for entry in weights] == [
            share * scale for scale in (*scales.blocks, scales.after, scales.after, scales.before)
        ]
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
    assert [entry["value"] for entry in plan["parameters"]["lambda"]] == [
        *scales.blocks,
        scales.after,
        scales.after,
        scales.before,
    ]


def test_the_recipe_of_a_method_for_one_task(write: Write) -> None:
    merge = MergeSpec(("digits", "faces"), "tall-masks", task="faces")
    plan = parsed(write(EditSpec.merged(merge)).recipe.read_text("utf-8"))
    assert plan["parameters"]["task"] == "faces"


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("open_clip", "LiNeS Explorer, where the paths below lead: mergekit-pytorch recipe.yaml out"),
        ("transformers", "mergekit cannot run it as it stands"),
    ],
)
def test_the_recipe_says_what_mergekit_can_do(write: Write, layout: str, words: str) -> None:
    text = write(SPECS["gamma 0.4"], layout).recipe.read_text("utf-8")
    assert text.startswith("# This describes, in mergekit's form,")
    assert words in text
    assert SPECS["gamma 0.4"].key() in text


# Text from elsewhere


EVIL = 'a`|\n# <script>alert("1")</script> {x: y}\x1b\u2028\ud800'


@pytest.fixture
def strangers(studio: Studio) -> tuple[BaseModel, list[SourceCheckpoint]]:
    (source,) = sources_of(studio.lab, SPECS["gamma 0"])
    return base_of(studio.lab), [replace(source, title=EVIL, origin=EVIL, open_clip=False)]


def test_a_strangers_file_name_does_no_harm(
    studio: Studio, strangers: tuple[BaseModel, list[SourceCheckpoint]], measured: list[Evaluation]
) -> None:
    spec, (base, sources) = SPECS["gamma 0.4"], strangers
    scales, names = spec.scales(4), LAYOUTS["open_clip"]
    tasks = [replace(task, title=EVIL) for task in measured[0].tasks]
    evaluation = replace(measured[0], tasks=tuple(tasks))
    text = card(spec, scales, base, sources, names, (1, 1), "gelu", [evaluation])
    text.encode("utf-8")
    outside = re.sub(r"`[^`\n]*`", "", text.replace("```", ""))
    assert "<script>" in text
    assert "<script>" not in outside
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "script" in line}
    assert widths == {1, 2}
    plan = recipe(spec, scales, base, sources, names)
    plan.encode("utf-8")
    assert parsed(plan)["models"][0]["model"] == one_line(EVIL)
    assert "mergekit cannot run it as it stands" in plan


def test_a_head_of_its_own_is_mentioned(
    strangers: tuple[BaseModel, list[SourceCheckpoint]], measured: list[Evaluation]
) -> None:
    """Model soups were fine-tuned together with a head, which no image tower holds."""
    spec, (base, sources) = SPECS["gamma 0.4"], strangers
    arguments = (LAYOUTS["open_clip"], (1, 1), "gelu", measured[:1])
    without = card(spec, spec.scales(4), base, sources, *arguments)
    own = [dataclasses.replace(source, head=True) for source in sources]
    with_head = card(spec, spec.scales(4), base, own, *arguments)
    assert "it is not in the file" not in without
    assert "a classification head too" in with_head
