"""The command line beside the page, on small models of the local Hub: prefetch, evaluate, tables, oracle."""

import json
import shutil
from pathlib import Path

import pytest

from evaluators import EditSpec, Evaluation, Studio
from evaluators.experiments.oracle import oracle
from evaluators.experiments.table1 import mean_row, table1
from evaluators.experiments.table2 import read_table2, save_table2, table2
from evaluators.hub.load_request import LoadRequest
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo import BENCHMARKS, published
from evaluators.zoo.notebook_figures import NOTEBOOK
from evaluators.zoo.public_encoders import Encoder
from lines_cli import evaluate_command, public_models
from tests.hub.repositories import serve_zoo, small_encoder
from tests.hub.server import Hub
from tests.own_images import folders, zipped

KEYS = ("pcam", "rendered_sst2")
"""Two classes each: a random model that names one of them always is right half the time, never never."""


@pytest.fixture
def command(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Path) -> list[str]:
    """Arguments of both commands, with everything served and the small lab as the embedded one."""
    encoder: Encoder = small_encoder(tmp_path)
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    monkeypatch.setattr(public_models, "app_folder", lambda: tmp_path)
    (tmp_path / "assets").symlink_to(lab)
    serve_zoo(hub, encoder, KEYS, 80, ("tall-masks",))
    return [
        "--tasks",
        ",".join(KEYS),
        "--images",
        "24",
        "--cache",
        str(tmp_path / "cache"),
        "--device",
        "cpu",
    ]


def test_prefetch_tells_what_it_does(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert public_models.prefetch(command) == 0
    output = capsys.readouterr().out
    assert "CLIP ViT-B/32  done" in output
    assert "PCAM  done: 24 test and 24 validation images" in output
    assert output.count("), published") == 4, "the self-test: two tasks zero-shot, two fine-tuned"
    assert public_models.prefetch([*command, "--no-check"]) == 0
    assert "published" not in capsys.readouterr().out


def test_evaluate_counts_a_public_model_and_a_checkpoint_of_the_hub(
    command: list[str],
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(evaluate_command, "app_folder", lambda: tmp_path)
    path = zipped(tmp_path / "a.zip", folders({"cup": 20, "boot": 20}))
    common = [*command, "--model", "ViT-B-32", "--gamma", "0.4", "--task", f"Things={path}", "--json"]
    theirs = hub.folder("nik-dim/tall_masks")
    (checkpoint,) = theirs.rglob("*PCAM*/nonlinear_finetuned.pt")
    shutil.copy(checkpoint, hub.folder("someone/mine") / "mine.pt")
    found = []
    for finetuned in (["someone/mine", "--target", "pcam"], ["tall-masks.pcam"]):
        assert evaluate_command.main([*common, "--finetuned", *finetuned]) == 0
        needed = finetuned == ["tall-masks.pcam"]
        assert any("tall_masks" in request.path for request in hub.requests) == needed
        printed = capsys.readouterr()
        assert "CLIP ViT-B/32  done" in printed.err
        found.append([Evaluation.from_dict(plain) for plain in json.loads(printed.out)])
    assert [task.title for task in found[0][2].tasks] == ["PCAM", "RenderedSST2", "Things"]
    assert [one.tasks for one in found[0]] == [one.tasks for one in found[1]]
    assert evaluate_command.main([*common, "--finetuned", "someone/else", "--target", "pcam"]) == 1
    (*_, line) = capsys.readouterr().err.splitlines()
    assert line.startswith("lines evaluate: There is no file or folder 'someone/else', and from the Hub: ")


def test_prefetch_of_what_is_not_there_fails_but_fetches_the_rest(
    command: list[str], hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fail("nik-dim/tall_masks/*RenderedSST2Val*", "status", status=404, times=None)
    assert public_models.prefetch(command) == 1
    output = capsys.readouterr().out
    assert "RenderedSST2  failed" in output
    assert "PCAM  done" in output


def test_table1_is_what_the_studio_says(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert public_models.table1(command) == 0
    output = capsys.readouterr().out
    assert "PCAM  zero-shot" in output

    studio = Studio(tmp_path / "assets", tmp_path / "cache")
    assert studio.load(LoadRequest(tasks=KEYS, images=24)).wait(60)
    rows = list(table1(studio, "ViT-B-32"))
    assert [row.title for row in rows] == ["PCAM", "RenderedSST2"]
    means = mean_row(rows)
    for name, (target, control) in means.items():
        assert f"{name:>24} {f'{100 * target:.1f} / {100 * control:.1f}':>14}" in output
    assert means["pre-trained"][0] == pytest.approx(means["pre-trained"][1])
    for row in rows:
        spec = EditSpec.lines(row.checkpoint, row.gamma, model="ViT-B-32", images=0)
        assert studio.evaluate(spec).tasks == row.lines.tasks


def test_table2_is_what_the_studio_says(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert public_models.table2([*command, "--methods", "sum", "tsv-m"]) == 0
    output = capsys.readouterr().out
    assert (
        "published, eight tasks: 69.7 → 74.2 (the LiNeS paper, Tables 2 and 6), 68.0 (FusionBench)" in output
    )

    studio = Studio(tmp_path / "assets", tmp_path / "cache")
    assert studio.load(LoadRequest(tasks=KEYS, images=24)).wait(60)
    rows = list(table2(studio, "ViT-B-32", ("sum", "tsv-m")))
    for row, title in zip(rows, ("Task arithmetic", "TSV-M"), strict=True):
        assert f"{title:>16}  plain {100 * row.plain.mean:.1f} (" in output
        assert (
            f"at α {row.alpha:.3g}, β {row.beta:g}: {100 * (row.lines.mean - row.plain.mean):+.1f} ("
            in output
        )
        merge = MergeSpec(tuple(f"tall-masks.{key}" for key in KEYS), row.method)
        spec = EditSpec.merged(merge, row.alpha, row.beta, model="ViT-B-32", images=0)
        assert studio.evaluate(spec).target_tasks == row.lines.tasks
    assert rows[0].alpha == 0.5
    save_table2(tmp_path / "rows.json", rows)
    assert read_table2(tmp_path / "rows.json") == tuple(rows)
    assert read_table2(tmp_path / "none.json") == ()


def test_table2_of_an_embedded_model_loads_nothing(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(public_models, "app_folder", lambda: tmp_path)
    (tmp_path / "assets").symlink_to(lab)
    asked = [
        "--model",
        "tiny-clip",
        "--methods",
        "sum",
        "--device",
        "cpu",
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert public_models.table2(asked) == 0
    (row,) = table2(Studio(tmp_path / "assets", tmp_path / "cache"), "tiny-clip", ("sum",))
    output = capsys.readouterr().out
    assert output.startswith("\nMean of 2 tasks")
    assert f"Task arithmetic  plain {100 * row.plain.mean:.1f} (" in output
    with pytest.raises(SystemExit):
        public_models.table2([*asked, "--images", "24"])
    assert "tiny-clip is measured on all its own images" in capsys.readouterr().err


def test_table2_refuses_a_method_for_fewer_tasks_before_it_counts(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slerp was refused once the references and the methods before it had been measured."""
    monkeypatch.setattr(public_models, "app_folder", lambda: tmp_path)
    monkeypatch.setattr(public_models, "merged_checkpoints", lambda *_: ("digits", "faces", "scenes"))
    (tmp_path / "assets").symlink_to(lab)
    asked = ["--model", "tiny-clip", "--device", "cpu", "--cache", str(tmp_path / "cache")]
    assert public_models.table2([*asked, "--methods", "sum", "slerp"]) == 2
    said = capsys.readouterr()
    assert "Slerp takes exactly 2 models, got 3" in said.err
    assert said.out == ""


def test_a_wrong_task_is_refused_in_words(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert public_models.prefetch(["--tasks", "mnist,letters", *command[2:]]) == 2
    assert "There is no task letters" in capsys.readouterr().err


def test_benchmarks_by_their_size() -> None:
    assert len(public_models.tasks_of("14")) == 14
    assert public_models.tasks_of("mnist,svhn") == ("mnist", "svhn")


def test_oracle_prints_ours_beside_theirs(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of the notebook on random models, which differ from the authors' as they should."""
    encoder = small_encoder(tmp_path)
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    monkeypatch.setattr(public_models, "app_folder", lambda: tmp_path)
    (tmp_path / "assets").symlink_to(lab)
    keys = ("eurosat", "mnist", "svhn")
    serve_zoo(hub, encoder, keys, 40, ("tall-masks",))
    command = ["--tasks", ",".join(keys), "--cache", str(tmp_path / "cache"), "--device", "cpu"]
    assert public_models.oracle(command) == 1
    output = capsys.readouterr().out
    studio = Studio(tmp_path / "assets", tmp_path / "cache")
    assert studio.load(LoadRequest(tasks=keys, images=0)).wait(60)
    figures = list(oracle(studio))
    assert [(one.model, one.task.key) for one in figures] == [
        (model, key) for model in ("zero-shot", "fine-tuned", "LiNeS") for key in keys
    ]
    edit = EditSpec("ViT-B-32", "tall-masks.eurosat", alpha=0.1, beta=0.9, images=0)
    assert [one.task for one in figures[6:]] == list(studio.evaluate(edit).tasks)
    for one in figures:
        figure = f"{100 * one.task.accuracy:8.2f} {100 * NOTEBOOK[one.model, one.task.key]:8.2f}"
        assert f"{one.model:>12} {one.task.title:>12} {figure}" in output
    assert "2,387 test" in output

    ours = {(one.model, one.task.key): one.task.accuracy for one in figures}
    theirs = ours | {("LiNeS", "eurosat"): 1 - ours["LiNeS", "eurosat"]}
    monkeypatch.setattr(public_models, "notebook", lambda studio: oracle(studio, theirs))
    assert public_models.oracle(command) == 0
    assert "98.70" not in capsys.readouterr().out
    theirs["zero-shot", "mnist"] = (ours["zero-shot", "mnist"] + 0.5) % 1
    assert public_models.oracle(command) == 1


def test_the_figures_of_the_notebook() -> None:
    assert len(NOTEBOOK) == 24
    assert NOTEBOOK["LiNeS", "eurosat"] == 0.987
    assert NOTEBOOK["fine-tuned", "svhn"] == 0.185
    for task in BENCHMARKS[8]:
        assert NOTEBOOK["zero-shot", task] == published("ViT-B-32", task, "zero-shot", "tall-masks")
    assert NOTEBOOK["fine-tuned", "eurosat"] == published("ViT-B-32", "eurosat", "fine-tuned", "tall-masks")
