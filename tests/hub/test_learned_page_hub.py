"""Coefficients learned on a public encoder with checkpoints from the Hub, whose residuals stay mapped."""

from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators import Studio
from evaluators.experiments.learning_run import CoefficientRun, LearningRequest
from evaluators.experiments.merge_search import MergeConfig
from evaluators.hub.load_request import LoadRequest
from evaluators.zoo.public_encoders import Encoder
from tests.hub.repositories import serve_zoo
from tests.hub.server import Hub
from ui.learned.learned_answers import LearnedAnswers

MODEL = "ViT-B-32"
KEYS = ("mnist", "svhn")


@pytest.fixture
def studio(hub: Hub, encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lab: Path) -> Studio:
    """A studio with the model loaded."""
    monkeypatch.setattr("evaluators.hub.loader.ENCODERS", {encoder.key: encoder})
    serve_zoo(hub, encoder, KEYS, 60, ("tall-masks",))
    studio = Studio(lab, tmp_path / "kept")
    assert studio.load(LoadRequest(tasks=KEYS, images=20)).wait(60)
    return studio


def test_the_counts_of_one_coefficient_are_those_of_task_arithmetic(studio: Studio) -> None:
    keys = tuple(info.key for info in studio.checkpoints(MODEL))
    run = CoefficientRun(studio.lab_of(MODEL), LearningRequest(keys, "atlas", MODEL), lambda: None)
    *_, counted = run.count(torch.full(run.merge.shape, 0.3))
    (spec,) = MergeConfig(keys, model=MODEL).specs(0.3, images=0)
    assert counted == studio.evaluate(spec).target_tasks


@pytest.mark.parametrize("learner", ["adamerging", "atlas"])
def test_they_are_learned_and_compared_on_the_page(studio: Studio, learner: str) -> None:
    answers = LearnedAnswers(studio)
    before: dict[str, Any] = answers.shown("anna", MODEL)[0]
    assert "2 tasks merged" in before["slots"]["subject"]
    assert "Not learned yet for this model" in before["slots"]["finding"]
    *_, (value, learn, _) = answers.run("anna", MODEL, learner, 3)
    assert learn["interactive"], value["slots"]["status"]
    assert value["state"] == "complete"
    assert ", 3 steps, learned here" in value["slots"]["numbers"]
    assert "LiNeS with α = " in value["slots"]["finding"]
    assert len(value["charts"]["depth"]["figure"]["data"]) == 4
