"""Merges after gentle and strong fine-tuning: what ships is what the report says; counts are kept."""

from pathlib import Path

import pytest
import torch

from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TinyTextLab
from evaluators.specs.edit_spec import EditSpec
from tests.paths import ROOT
from training.language import text_strength
from training.language.text_strength import FILE, KeptCounts, read_strength
from training.language.text_strength_report import strength_section

ASSETS = ROOT / "assets"


def test_counts_are_those_of_the_lab_and_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = TinyTextLab(ASSETS / TEXT_FOLDER, torch.device("cpu"), torch.float32, chunk=14)
    spec = EditSpec.finetuned("story", model=lab.info.key, split="val", images=3)
    score = KeptCounts(lab, tmp_path / "kept.json").score(spec)
    assert [(task.key, task.n) for task in score.tasks] == [("story", 3)], "of three chunks"
    monkeypatch.setattr(text_strength, "count_chunk", None)
    assert KeptCounts(lab, tmp_path / "kept.json").score(spec) == score


def test_the_shipped_measurement_shows_what_the_report_says() -> None:
    gentle, strong = read_strength(ASSETS / "report" / FILE)
    assert gentle.change < 0.05 < strong.change
    said = "\n".join(strength_section(ASSETS))
    assert said.count("| LiNeS on ") == 9
    assert f"takes λ = {strong.rows[0].alpha:g}, below α" in said
    assert strong.rows[0].alpha < strong.alpha
    assert list(strength_section(ROOT / "nowhere")) == []
