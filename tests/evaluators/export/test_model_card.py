"""The model card: its numbers, words and snippets are true."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from evaluators.errors import EvaluationError
from evaluators.export import export
from evaluators.export.card_frame import LICENCE
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_metadata
from tests.conftest import CHUNK
from tests.evaluators.export.exported_specs import SPECS, Write, every_layout, every_spec
from tests.own_images import add_task, folders, zipped
from tests.paths import ROOT


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


def test_a_flat_edit_beside_it_has_no_beta(studio: Studio, write: Write, measured: list[Evaluation]) -> None:
    mixed = studio.evaluate(EditSpec.wise_ft("digits", 0.5))
    text = write(SPECS["gamma 0.4"], "open_clip", measured[0], mixed).card.read_text("utf-8")
    assert accuracies(text)["task"][-1] == "flat, α 1, mix 0.5, test"


def test_where_the_numbers_come_from_is_said(write: Write, measured: list[Evaluation]) -> None:
    shipped = replace(measured[0], precomputed=True, dtype="bfloat16", device="cuda")
    text = write(shipped.spec, "open_clip", shipped).card.read_text("utf-8")
    assert "bfloat16 on cuda, to which the float32 weights were rounded" in text
    assert "shipped with the LiNeS Explorer." in text
    assert "measured where it was exported" not in text


def test_an_added_task_is_listed_so_that_its_number_can_be_redone(lab: Path, tmp_path: Path) -> None:
    """Its class names and prompts are a visitor's words: nothing of them is Markdown or HTML."""
    session = Studio(lab, None, chunk=CHUNK).seen_by("anna")
    images = zipped(tmp_path / "a.zip", folders({"cup": 20, "```<b>": 20}))
    task = add_task(session, images, "Mugs `x`").task.task
    own = session.take_file("tiny-clip", task.key, lab / "tiny_clip/finetuned/faces.safetensors", "mine.pt")
    spec = EditSpec.lines(own.key, 0.4)
    files = export(session.lab_of("tiny-clip"), spec, "open_clip", tmp_path, [session.evaluate(spec)])
    text = files.card.read_text("utf-8")
    _, after = text.split("\n`Mugs 'x'`\n\n```json\n")
    written = after.split("\n```\n")[0]
    assert "`" not in written
    said = json.loads(written)
    assert said == {"classes": list(task.classes), "prompts": list(task.prompts)}
    assert "```<b>" in said["classes"]
    assert "<b>" not in re.sub(r"```json\n.*?\n```\n|`[^`\n]*`", "", text, flags=re.DOTALL)
    assert re.fullmatch(r"own-mugs-x-gamma0\.4-[0-9a-f]{6}\.zip", files.bundle.name)
    secret, *_ = own.key.removeprefix("own-").partition(".")
    assert '"checkpoint": "own-mugs-x.mugs-x"' in text
    for path in (files.card, files.recipe, files.weights):
        assert all(one.encode() not in path.read_bytes() for one in (secret, task.key)), path.name
    assert EditSpec.from_dict(json.loads(read_metadata(files.weights)["spec"])).targets == ("mugs-x",)
    unmeasured = export(session.lab_of("tiny-clip"), spec, "open_clip", tmp_path)
    assert "Mugs 'x'`\n\n```json" not in unmeasured.card.read_text("utf-8")


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
