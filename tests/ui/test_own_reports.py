"""Reports on own checkpoints as the pages draw them, the warning before a merge, and what the API says."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evaluators.labs.checkpoint_report import CheckpointReport, ReportNote
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.studio import Studio
from tests.paths import ASSETS
from ui.api import models
from ui.merge.pretraining_warning import pretraining_warning
from ui.models.own_reports import own_reports, report_html

MODEL = "tiny-clip"
REPORT = CheckpointReport(
    "open_clip",
    "bfloat16",
    (0.004, 0.2),
    0.05,
    0.123,
    (ReportNote("implausible", "<b>Odd</b>.", warning=True), ReportNote("activation", "GELU.")),
)


@pytest.fixture
def small(lab: Path) -> Studio:
    """A studio of the small lab, as one visitor sees it."""
    return Studio(lab, None).seen_by("anna")


def add(studio: Studio, path: Path, spread: float) -> CheckpointInfo:
    """Add a checkpoint that is so far away from the pre-trained weights."""
    tensors = load_file(studio.lab.weights)
    image = {name: tensor.float() for name, tensor in tensors.items() if name.startswith("visual.")}
    generator = torch.Generator().manual_seed(0)
    for name, tensor in image.items():
        change = torch.randn(tensor.shape, generator=generator)
        image[name] = tensor + spread * tensor.norm() / change.norm() * change
    torch.save(image, path)
    return studio.take_file(MODEL, "digits", path, path.name)


def test_bars_have_the_heights_of_their_numbers() -> None:
    drawn = report_html("Mine", REPORT)
    assert re.findall(r"--v: ([0-9.]+); --seen", drawn) == ["0.0200", "1.0000", "0.2500"]
    assert re.findall(r"--seen: ([0-9.]+)", drawn) == ["1", "1", "0.45"]
    assert re.findall(r"lx-factor-value\">(.*?)<", drawn) == ["0.4", "20", "5"]
    assert re.findall(r"lx-factor-label\">(.*?)<", drawn) == ["1", "2", "rest"]
    rows = re.findall(r'row">(.*?)</th><td>(.*?)</td>', drawn.replace("\u202f", " "))
    assert rows == [("1", "0.4 %"), ("2", "20 %"), ("rest", "5 %"), ("all", "12 %")]
    assert "changed by 12\u202f%" in drawn


def test_notes_are_text_and_warnings_are_marked() -> None:
    drawn = report_html("<i>Mine</i>", REPORT, is_open=True)
    assert '<li class="lx-warned">&lt;b&gt;Odd&lt;/b&gt;.</li><li>GELU.</li>' in drawn
    assert "Weights in bfloat16, named as in open_clip." in drawn
    assert "&lt;i&gt;Mine&lt;/i&gt;" in drawn
    assert drawn.startswith('<details class="lx-report" open>')
    assert "see below" in drawn
    assert "see below" not in report_html("Mine", CheckpointReport("open_clip", "float32", (0.1,), 0.1, 0.1))


def test_an_update_of_nothing_is_drawn() -> None:
    assert "--v: 0.0000;" in report_html("Mine", CheckpointReport("open_clip", "float32", (0.0,), 0.0, 0.0))


def test_the_chosen_one_is_open_and_others_see_none(small: Studio, tmp_path: Path) -> None:
    assert own_reports(small, "digits") == ""
    first, second = (add(small, tmp_path / name, 0.1) for name in ("first.pt", "second.pt"))
    shown = own_reports(small, first.key)
    assert re.findall(r"<b>(.*?)</b>", shown) == [second.title, first.title]
    assert re.findall(r'<details class="lx-report"( open)?>', shown) == ["", " open"]
    assert own_reports(small.seen_by("ben"), first.key) == ""


def test_a_doubtful_checkpoint_is_warned_of_before_it_is_merged(small: Studio, tmp_path: Path) -> None:
    good, odd = add(small, tmp_path / "good.pt", 0.2), add(small, tmp_path / "odd.pt", 0.7)
    assert pretraining_warning(small, MODEL, ["faces", good.key]) == ""
    said = pretraining_warning(small, MODEL, ["faces", good.key, odd.key])
    assert said.count("<p>") == 1
    assert "Digits (odd.pt) probably comes from another pre-trained model: its change has 70" in said
    assert "0.4\u202f% to 23\u202f%" in said
    assert pretraining_warning(small, "ViT-B-32", [odd.key]) == ""


def test_the_api_says_it_too(small: Studio, tmp_path: Path) -> None:
    own = add(small, tmp_path / "mine.pt", 0.1)
    checkpoints = {one["key"]: one for one in models(small)[0]["checkpoints"]}
    assert checkpoints["digits"]["report"] is None
    assert checkpoints[own.key]["report"]["total"] == pytest.approx(0.1, rel=0.01)
    assert len(checkpoints[own.key]["report"]["blocks"]) == 4
    assert checkpoints[own.key]["report"]["notes"][0]["kind"] == "activation"


def test_what_ships_has_the_norms_of_an_ordinary_fine_tuning(tmp_path: Path) -> None:
    """Tiny CLIP's checkpoints themselves, added as a visitor's."""
    studio = Studio(ASSETS, None).seen_by("anna")
    path = tmp_path / "digits.safetensors"
    path.write_bytes((ASSETS / "tiny_clip" / "finetuned" / "digits.safetensors").read_bytes())
    info = studio.take_file(MODEL, "digits", path, path.name)
    report = studio.reports(MODEL)[info.key]
    assert 0.004 < report.total < 0.23
    assert [note.kind for note in report.notes] == ["activation"]
    studio.close()
