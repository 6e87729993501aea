"""`lines evaluate`: the counts of the studio as a table and as JSON, with own images and own checkpoints."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.sweeps import GAMMAS, reference_specs
from lines_cli import evaluate_command
from lines_cli.__main__ import main
from lines_core.checkpoints import read_checkpoint
from tests.conftest import CHUNK
from tests.own_images import folders, zipped

COUNTS = {"cup": 20, "boot": 20}


@pytest.fixture(autouse=True)
def small_lab(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small lab is the embedded one, and relative paths lead into an empty folder."""
    monkeypatch.setattr(evaluate_command, "app_folder", lambda: tmp_path)
    (tmp_path / "assets").symlink_to(lab)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with one folder a class."""
    for name, content in folders(COUNTS).items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "images"


@pytest.fixture
def weights(lab: Path) -> dict[str, torch.Tensor]:
    """An own fine-tuning of the small lab's model."""
    torch.manual_seed(3)
    pretrained = read_checkpoint(lab / "tiny_clip" / "open_clip_model.safetensors")
    return {
        name: value.float() + 0.1 * torch.randn(value.shape)
        for name, value in pretrained.items()
        if name.startswith("visual.")
    }


def status(*arguments: object) -> int:
    return main(["evaluate", "--cache", "../cache", "--device", "cpu", *map(str, arguments)])


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[Evaluation]:
    assert status("--json", *arguments) == 0
    return [Evaluation.from_dict(plain) for plain in json.loads(capsys.readouterr().out)]


def counts(evaluation: Evaluation) -> list[tuple[str, str, int, int]]:
    return [(task.title, task.role, task.correct, task.n) for task in evaluation.tasks]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on standard error."""
    assert status(*arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    line, *more = printed.err.splitlines()[-1:]
    assert not more
    return line.removeprefix("lines evaluate: ")


def test_an_edit_on_own_images_too(lab: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studio = Studio(lab, None, chunk=CHUNK)
    studio.add_public_task("Things", images)
    edit = EditSpec(checkpoint="digits", alpha=0.2, beta=0.5, mix=0.9, outside="depth", split="val", images=0)
    specs = [*reference_specs("digits", "val", 0), edit]
    options = "--alpha 0.2 --beta 0.5 --mix 0.9 --outside depth --split val".split()
    own = ["--task", f"Things={images}"]
    found = evaluated(capsys, "--finetuned", "digits", *options, *own)
    assert [one.spec for one in found] == specs
    assert [counts(one) for one in found] == [counts(studio.evaluate(spec)) for spec in specs]
    assert len({tuple(counts(one)) for one in found}) == 3, "an edit that changes nothing shows nothing"
    assert counts(found[2])[3][0] == "Things"

    assert status("--finetuned", "digits", *options, *own) == 0
    printed = capsys.readouterr()
    assert "Things: 2 classes, 20 validation and 20 test images." in printed.err
    lines = printed.out.splitlines()
    assert lines[0] == (
        "tiny-clip, Digits, val images: α = 0.2, β = 0.5, mix 0.9, shape linear, outside depth"
    )
    rows = {line.split()[0]: line for line in lines[3:8]}
    assert list(rows) == ["Digits", "Textures", "Faces", "Things", "mean"]
    assert rows["Digits"].split()[1:3] == ["target", "24"]
    for at, title in enumerate(list(rows)[:4]):
        figures = [
            f"{100 * task.accuracy:.1f} ({100 * task.low:.1f} to {100 * task.high:.1f})"
            for task in (one.tasks[at] for one in found)
        ]
        assert rows[title].split()[3:] == " ".join(figures).split()
    low, high = found[2].control_interval
    assert rows["mean"].endswith(f" {100 * found[2].control:.1f} ({100 * low:.1f} to {100 * high:.1f})")


def test_lines_by_gamma_where_no_edit_is_given(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studio = Studio(lab, None, chunk=CHUNK)
    found = evaluated(capsys, "--finetuned", "faces", "--images", 12)
    assert [one.spec.alpha for one in found[2:]] == list(GAMMAS)
    for one in found:
        assert one.spec.images == 12
        assert counts(one) == counts(studio.evaluate(one.spec))
    assert status("--finetuned", "faces", "--images", 12) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == "target Faces control mean of 2".split()
    names = [line[:12].strip() for line in lines[3:16]]
    assert names == ["pre-trained", *(f"γ = {step / 10:g}" for step in range(11)), "fine-tuned"]
    assert lines[4].split()[3] == f"{100 * found[-1].target:.1f}", "found begins with gamma = 1"


def test_wise_ft_where_only_a_mix_is_given(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *_, found = evaluated(capsys, "--finetuned", "digits", "--mix", 0.5)
    assert found.spec == EditSpec.wise_ft("digits", 0.5, images=0)
    assert counts(found) == counts(Studio(lab, None, chunk=CHUNK).evaluate(found.spec))


@pytest.mark.parametrize("place", ["mine.safetensors", "mine"])
def test_an_own_checkpoint_tuned_for_own_images(
    place: str,
    weights: dict[str, torch.Tensor],
    lab: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a file and as a folder; the file stays, and nothing of it is left in the cache."""
    path = Path(place)
    if not path.suffix:
        path.mkdir()
        path = path / "model.safetensors"
    save_file(weights, path)
    own = ["--task", f"My things={images}", "--target", "my things"]
    found = evaluated(capsys, "--finetuned", f"./{place}", *own, "--gamma", 0.4)
    assert path.is_file()
    studio = Studio(lab, None, chunk=CHUNK)
    studio.add_public_task("My things", images)
    key = next(task.key for task in studio.tasks() if task.title == "My things")
    info = studio.take_file("tiny-clip", key, path, path.name)
    edited = studio.evaluate(EditSpec.lines(info.key, 0.4, images=0))
    assert counts(found[2]) == counts(edited)
    assert found[2].target_task.title == "My things"
    kept = [file for file in (tmp_path / "cache" / "sessions").rglob("*") if file.is_file()]
    assert not [file for file in kept if file.stat().st_size > 1000]


def test_notes_on_an_own_checkpoint_go_to_standard_error(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = lab / "tiny_clip" / "open_clip_model.safetensors"
    assert status("--finetuned", same, "--target", "digits", "--gamma", 0.4) == 0
    printed = capsys.readouterr()
    assert "warning: Identical to the pre-trained model" in printed.err
    assert f"tiny-clip, Digits ({same.name})" in printed.out


def test_what_cannot_be_evaluated(
    weights: dict[str, torch.Tensor], images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    averaged = {name: value / 2 for name, value in weights.items()}
    torch.save({"state_dict": weights, "state_dict_ema": averaged}, "two.pt")
    (tmp_path / "here" / "text.pt").write_text("no weights")
    two, digits = ["--finetuned", "two.pt", "--target", "digits"], ["--finetuned", "digits"]
    assert "'nothing': checkpoints of tiny-clip are digits, " in refused(capsys, "--finetuned", "nothing")
    assert "no checkpoint, file or folder './gone.pt'" in refused(
        capsys, "--finetuned", "./gone.pt", "--target", "digits"
    )
    assert "text.pt" in refused(capsys, "--finetuned", "text.pt", "--target", "digits")
    assert "state_dict_ema" in refused(capsys, *two)
    assert status(*two, "--choose", "state_dict_ema", "--gamma", 0.5) == 0
    capsys.readouterr()
    assert refused(capsys, *two[:2], "--target", "dance") == (
        "No task is called 'dance': the tasks are Digits, Faces, Objects."
    )
    assert "leave --target out" in refused(capsys, *digits, "--target", "faces")
    assert "alpha must be finite" in refused(capsys, *digits, "--gamma", "nan")
    assert "images must be a whole number" in refused(capsys, *digits, "--images", "-1")
    assert "There is no absent" in refused(capsys, *digits, "--task", "Things=absent")
    own = ["--task", f"Things={images}"]
    assert "two tasks 'Things'" in refused(capsys, *digits, *own, *own)
    assert "where 'Things' cannot be added" in refused(capsys, "--finetuned", "objects", *own)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--finetuned", "digits", "--alpha", "0.5"], "give --gamma, or --alpha and --beta"),
        (["--finetuned", "digits", "--gamma", "0.5", "--beta", "0.5"], "give --gamma, or --alpha and --beta"),
        (["--finetuned", "digits", "--tasks", "8"], "for a public --model"),
        (["--finetuned", "owner/name"], "--target says which task"),
        (["--finetuned", "digits", "--task", "Things"], "expected NAME=PATH"),
        ([], "--finetuned"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_read(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        status(*arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "cache").exists()


def test_a_zip_file_of_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zipped(tmp_path / "a.zip", folders(COUNTS))
    found = evaluated(capsys, "--finetuned", "digits", "--gamma", 0.4, "--task", f"Things={path}")
    assert [one.tasks[3].n for one in found] == [20, 20, 20]
