"""The page "Learned coefficients" without a browser: what ships, a learning that streams, and its end."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from evaluators.errors import SpecError
from evaluators.experiments.learned_merge import LearnedMerge, MergeCost, ShippedLearning, save_shipped
from evaluators.experiments.learning_run import CoefficientRun, LearningRequest
from evaluators.export.learned_export import learned_name
from evaluators.service.studio import Studio
from tests.conftest import CHUNK, make_lab
from ui.export import take_home
from ui.layout import build
from ui.learned import learned_text as words
from ui.learned.learned_answers import LearnedAnswers
from ui.learned.learned_figures import depth_alt

PAIR = ("digits", "faces")


def finished(studio: Studio, learner: str, split: str = "val", seed: int = 0) -> LearnedMerge:
    request = LearningRequest(PAIR, learner, "tiny-clip", split, steps=2, seed=seed)
    *_, last = CoefficientRun(studio.lab, request, lambda: None).steps()
    return last


@pytest.fixture(scope="module")
def shipping(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ShippedLearning]:
    """A small lab that ships learned merges."""
    folder = make_lab(tmp_path_factory.mktemp("shipping"))
    studio = Studio(folder, None, chunk=CHUNK)
    runs = (
        finished(studio, "adamerging"),
        finished(studio, "adamerging", "test"),
        finished(studio, "atlas"),
        finished(studio, "atlas", seed=1),
    )
    shipped = ShippedLearning(runs, {"plain": MergeCost(3.0, 48, 480), "lines": MergeCost(4.0, 48, 480)})
    save_shipped(folder, shipped)
    return folder, shipped


@pytest.fixture
def answers(shipping: tuple[Path, ShippedLearning]) -> LearnedAnswers:
    return LearnedAnswers(Studio(shipping[0], None, chunk=CHUNK))


def names(value: dict[str, Any]) -> list[str]:
    return [trace["name"] for trace in value["charts"]["depth"]["figure"]["data"]]


def test_what_ships_is_shown_without_a_forward_pass(
    answers: LearnedAnswers, shipping: tuple[Path, ShippedLearning], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CoefficientRun, "__init__", None)
    value, learn, cancel = answers.shown("anna", "tiny-clip")
    assert (learn["interactive"], cancel["interactive"]) == (True, False)
    assert "precomputed" in value["slots"]["status"]
    assert names(value) == [
        "Task arithmetic",
        "LiNeS",
        "AdaMerging, attention",
        "AdaMerging, MLP",
        "aTLAS, attention",
        "aTLAS, MLP",
    ]
    drawn = value["charts"]["depth"]["figure"]["data"]
    assert drawn[1]["y"] == [0.5, 0.6, 0.7, 0.8], "Eq. 2's alpha of a sum of two is a half"
    assert "error_y" in drawn[4], "two orders of the images"
    assert "error_y" not in drawn[2]
    table = value["slots"]["numbers"]
    for run in shipping[1].runs[:3]:
        row = table.split(f">{words.title_of(run)}, 2 steps<")[1].split("</tr>")[0]
        assert ("± " in row and " of 2<" in row) == (run.learner == "atlas"), "two seeds"
    assert "<td>480</td>" in table
    assert value["asked"] == ["tiny-clip"]


def test_a_learning_streams_and_ends_with_numbers(answers: LearnedAnswers) -> None:
    updates = list(answers.run("anna", "tiny-clip", "atlas", 20))
    assert words.PREPARING in updates[0][0]["slots"]["status"]
    moving = [value for value, learn, cancel in updates[:-1] if cancel["interactive"]]
    assert all(value["state"] == "partial" for value in moving)
    assert any(
        "step " in value["slots"]["status"] and "<progress" in value["slots"]["status"] for value in moving
    )
    value, learn, cancel = updates[-1]
    assert (learn["interactive"], cancel["interactive"]) == (True, False)
    assert "aTLAS, attention, learned here" in names(value)
    assert "aTLAS, 20 steps, learned here" in value["slots"]["numbers"]
    assert "LiNeS with α = 0.5 and β = 0.3 scores" in value["slots"]["finding"], (
        "the references were measured too"
    )
    again, *_ = answers.shown("anna", "tiny-clip")
    assert again["charts"] == value["charts"]
    assert ", learned here" not in json.dumps(answers.shown("ben", "tiny-clip")[0])


def test_what_ships_or_was_learned_here_can_be_taken_home(
    answers: LearnedAnswers,
    shipping: tuple[Path, ShippedLearning],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(take_home, "_folders", lambda: tmp_path)
    chosen = ["tiny-clip", "atlas"]
    bundle, weights = answers.files("anna", chosen, "open_clip", [])
    assert Path(bundle).stem == Path(weights).stem == learned_name(shipping[1].runs[2], "tiny-clip")
    *_, (value, *_) = answers.run("anna", "tiny-clip", "atlas", 4)
    assert value["state"] == "complete"
    own, _ = answers.files("anna", chosen, "transformers", ["models"])
    assert "atlas-2-models-4-steps-transformers" in own
    assert answers.files("ben", chosen, "open_clip", [])[0].endswith(Path(bundle).name)
    with pytest.raises(SpecError, match="adamerging, atlas"):
        answers.files("anna", ["tiny-clip", "sgd"], "open_clip", [])


def test_without_a_learned_merge_there_is_nothing_to_take_home(lab: Path) -> None:
    with pytest.raises(SpecError, match=f"aTLAS has not learned .+ “{words.LEARN}” first"):
        LearnedAnswers(Studio(lab, None, chunk=CHUNK)).files("anna", ["tiny-clip", "atlas"], "open_clip", [])


def test_stopping_keeps_nothing_and_frees_the_place(answers: LearnedAnswers) -> None:
    running = answers.run("anna", "tiny-clip", "adamerging", 1000)
    next(running)
    next(running)
    waiting = list(answers.run("ben", "tiny-clip", "adamerging", 10))
    assert "another visitor" in waiting[-1][0]["slots"]["status"]
    answers.cancel("ben")
    answers.cancel("anna")
    value, learn, _ = list(running)[-1]
    assert words.STOPPED in value["slots"]["status"]
    assert learn["interactive"]
    assert ", learned here" not in json.dumps(value)
    *_, (value, *_) = answers.run("ben", "tiny-clip", "adamerging", 10)
    assert "AdaMerging, 10 steps, learned here" in value["slots"]["numbers"]


def test_a_learning_of_another_model_stops(answers: LearnedAnswers) -> None:
    running = answers.run("anna", "tiny-clip", "adamerging", 1000)
    next(running)
    next(running)
    value, learn, _ = answers.shown("anna", "ViT-B-32")
    assert "ViT-B-32" in value["slots"]["status"]
    assert not learn["interactive"]
    assert words.STOPPED in list(running)[-1][0]["slots"]["status"]


@pytest.mark.parametrize(
    ("learner", "steps"), [("sgd", 10), ("atlas", 10.5), ("atlas", "many"), ("atlas", 0)]
)
def test_what_a_client_makes_up_is_answered(answers: LearnedAnswers, learner: str, steps: Any) -> None:
    *_, (value, learn, _) = answers.run("anna", "tiny-clip", learner, steps)
    assert learn["interactive"]
    assert ", learned here" not in json.dumps(value)
    assert "steps" in value["slots"]["status"] or "one of" in value["slots"]["status"]


def test_without_shipped_merges_the_page_says_so(lab: Path) -> None:
    answers = LearnedAnswers(Studio(lab, None, chunk=CHUNK))
    value, *_ = answers.shown("anna", "tiny-clip")
    first, rest = value["slots"]["finding"].split(" <span>", 1)
    assert first.endswith(f"{words.WAITING}."), "the sentence alone stands out"
    assert words.BUTTON in rest
    value, *_ = next(answers.run("anna", "tiny-clip", "atlas", 10))
    assert f"{words.LEARNING}." in value["slots"]["finding"]
    assert names(value) == ["Task arithmetic", "LiNeS"]


def test_published_figures_stand_beside_ours(shipping: tuple[Path, ShippedLearning]) -> None:
    value, *_ = LearnedAnswers(Studio(shipping[0], None, chunk=CHUNK)).shown("anna", "tiny-clip")
    assert "AdaMerging 82.6 (FusionBench), 80.1 (the README of WUDI)" in value["slots"]["numbers"]


def test_words_follow_the_intervals(shipping: tuple[Path, ShippedLearning]) -> None:
    run = shipping[1].runs[0]
    few = replace(run, tasks=tuple(replace(task, correct=0) for task in run.tasks))
    all_right = replace(run, tasks=tuple(replace(task, correct=task.n) for task in run.tasks))
    said = words.finding(few.score, None, [all_right, few])
    assert "AdaMerging: +100.0 points against LiNeS" in said
    assert "AdaMerging: no measurable difference from LiNeS" in said
    images = sum(task.n for task in run.tasks)
    assert said.startswith(f"On {images} test images of 2 tasks, LiNeS with α = 0.5 and β = 0.3 scores 0.0")
    assert "against task arithmetic with λ = 0.3 (" in words.finding(few.score, all_right.score, [few])


def test_the_verdict_on_the_line_follows_the_coefficients(
    shipping: tuple[Path, ShippedLearning],
) -> None:
    """The page listed means alone and left the paper's claim, close to LiNeS's line, to the reader."""
    line = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    flat = [0.35] * 6

    def said(**profile: list[float]) -> str:
        one = {part: (tuple(values),) * 2 for part, values in profile.items()}
        return words.verdict([replace(shipping[1].runs[0], profile=one)], line)

    assert "AdaMerging yes (attention 0.10 to 0.60, MLP 0.10 to 0.60)." in said(attention=line, mlp=line)
    assert "AdaMerging in part (MLP 0.10 to 0.60)." in said(attention=flat, mlp=line)
    assert "AdaMerging no." in said(attention=flat, mlp=line[::-1])


def test_negative_coefficients_have_the_minus_sign(shipping: tuple[Path, ShippedLearning]) -> None:
    """A hyphen stood beside the minus signs of the sentence above it."""
    run = replace(shipping[1].runs[0], profile={"mlp": ((-0.034, 0.1, 0.2, 0.3),) * 2})
    line = [0.5, 0.6, 0.7, 0.8]
    assert "MLP −0.03 to 0.30" in words.depth_sentence([run], line)
    assert "MLP −0.03, 0.10, 0.20, 0.30" in depth_alt(line, [run])


def test_the_page_is_laid_out_with_its_link(lab: Path) -> None:
    async def built() -> gr.Blocks:
        return build(Studio(lab, None, chunk=CHUNK))

    page = asyncio.run(built())
    ids = {block.elem_id for block in page.blocks.values()}
    assert {"lx-page-learned", "lx-learned-run", "lx-learned-stop", "lx-learned"} <= ids
    assert {"lx-learned-home", "lx-learned-export", "lx-learned-files"} <= ids
