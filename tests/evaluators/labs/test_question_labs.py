"""Labs of 14 and 20 tasks: the usual tasks, and further questions about images that ship anyway."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.data.image_questions import QUESTIONS as FILE
from evaluators.errors import LabError
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20, EmbeddedLab
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK, IMAGES
from tests.question_lab import QUESTIONS, add_questions

FOURTEEN, TWENTY = TINY_CLIP_14, TINY_CLIP_20


@pytest.fixture(scope="module")
def asked(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_questions(Path(shutil.copytree(lab, tmp_path_factory.mktemp("asked") / "lab")))


@pytest.fixture
def studio(asked: Path) -> Studio:
    return Studio(asked, None, chunk=CHUNK)


def of_model(studio: Studio, model: str) -> EmbeddedLab:
    lab = studio.embedded(model)
    assert lab is not None
    return lab


def changed(asked: Path, tmp_path: Path, field: str, value: object) -> Path:
    folder = Path(shutil.copytree(asked, tmp_path / "lab"))
    path = folder / "eval" / FILE
    plain = json.loads(path.read_text())
    plain["tasks"][0][field] = value
    path.write_text(json.dumps(plain))
    return folder


def test_each_has_its_first_questions_and_no_objects(studio: Studio) -> None:
    assert [model.key for model in studio.models()] == [TINY_CLIP, FOURTEEN, TWENTY]
    for model, count in ((TINY_CLIP, 0), (FOURTEEN, 6), (TWENTY, 12)):
        keys = [one.key for one in studio.checkpoints(model) if one.suite == "tasks"]
        assert keys == ["digits", "faces", *QUESTIONS[:count]]
        tasks = [task.key for task in studio.tasks(model=model)]
        assert tasks == ["digits", "textures", "faces", *QUESTIONS[:count]]
    assert {one.suite for one in studio.checkpoints(TWENTY)} == {"tasks"}
    assert studio.compared(TWENTY) == () == studio.variants(TWENTY)


def test_the_usual_lab_stays_as_it_was(lab: Path, studio: Studio) -> None:
    """What ships for eight tasks is known by its fingerprint and its keys: neither may see the questions."""
    plain = Studio(lab, None, chunk=CHUNK)
    assert studio.lab.fingerprint() == plain.lab.fingerprint()
    spec = EditSpec.merged(MergeSpec(("digits", "faces"), "sum"), 0.3)
    assert studio.fingerprint(spec) == plain.fingerprint(spec)
    assert studio.evaluate(spec).predictions == plain.evaluate(spec).predictions


def test_a_question_has_the_images_that_show_it(studio: Studio) -> None:
    lab = of_model(studio, FOURTEEN)
    by_key = {task.key: task for task in lab.tasks("tasks")}
    source, asked = (lab._subset(by_key[key], "test") for key in ("textures", "question_02"))
    assert lab.count(by_key["question_02"], "test") == len(asked) == 2 * IMAGES["test"] // 3
    labels = {image.numpy().tobytes(): (row + 2) % 3 - 1 for row, image in enumerate(source.images)}
    assert [labels[image.numpy().tobytes()] for image in asked.images] == asked.labels.tolist()
    counts = [asked.labels[:n].bincount(minlength=2) for n in range(2, len(asked), 2)]
    assert all(torch.equal(count, count.flip(0)) for count in counts)  # every prefix is balanced


def test_its_answers_hang_on_images_and_labels(asked: Path, tmp_path: Path) -> None:
    spec = EditSpec.finetuned("question_00", model=FOURTEEN)
    labels = {split: [0] * count for split, count in IMAGES.items()}
    other = changed(asked, tmp_path, "labels", labels)
    first, second = (Studio(folder, None, chunk=CHUNK) for folder in (asked, other))
    assert first.fingerprint(spec) != second.fingerprint(spec)
    assert of_model(first, FOURTEEN).fingerprint() != of_model(second, FOURTEEN).fingerprint()


def test_questions_and_tasks_are_merged(studio: Studio) -> None:
    keys = ("digits", "faces", "question_00", "question_05")
    spec = EditSpec.merged(MergeSpec(keys, "tsv-m"), 0.3, 0.5, model=FOURTEEN)
    found = studio.evaluate(spec)
    assert [task.key for task in found.target_tasks] == list(keys)
    assert [task.n for task in found.target_tasks] == [42, 42, 28, 28]


def test_without_a_checkpoint_the_lab_is_left_out(asked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(asked, tmp_path / "lab"))
    (folder / EMBEDDED[TWENTY].folder / "finetuned" / "question_07.safetensors").unlink()
    assert [model.key for model in Studio(folder, None).models()] == [TINY_CLIP, FOURTEEN]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("labels", {"test": [0, 2]}, "must be whole numbers from -1 to 1"),
        ("labels", {"test": [True]}, "must be whole numbers from -1 to 1"),
        ("labels", {"test": "0"}, "must be whole numbers"),
        ("labels", None, "needs images, the key of a task, and labels by split"),
        ("images", 3, "needs images, the key of a task"),
        ("classes", ["light"], "needs at least two classes"),
    ],
)
def test_a_question_that_is_none_is_refused(
    asked: Path, tmp_path: Path, field: str, value: object, said: str
) -> None:
    with pytest.raises(LabError, match=said):
        Studio(changed(asked, tmp_path, field, value), None)


def test_labels_of_other_images_are_refused(asked: Path, tmp_path: Path) -> None:
    spec = EditSpec.finetuned("question_00", model=FOURTEEN)
    fewer = Studio(changed(asked, tmp_path, "labels", {"test": [0, 1], "val": [0, 1]}), None)
    with pytest.raises(LabError, match="has 2 labels for the 42 test images of 'textures'"):
        fewer.evaluate(spec)


def test_images_of_no_task_are_refused(asked: Path, tmp_path: Path) -> None:
    spec = EditSpec.finetuned("question_00", model=FOURTEEN)
    with pytest.raises(LabError, match="images of 'maps': no such task"):
        Studio(changed(asked, tmp_path, "images", "maps"), None).evaluate(spec)
