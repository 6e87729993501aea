"""How many tasks are merged: the choice on "Merge", and the table of what LiNeS changes with more of them."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from evaluators.experiments.merge_search import Score
from evaluators.experiments.outside_rules import OutsideRules
from evaluators.experiments.table2 import Table2Row
from evaluators.experiments.task_counts import (
    FILE,
    TaskCount,
    TaskCounts,
    change_on,
    read_task_counts,
    save_task_counts,
)
from evaluators.labs.embedded_lab import TINY_CLIP, TINY_CLIP_14, TINY_CLIP_20, TINY_CONVNEXT
from evaluators.service.studio import Studio
from evaluators.specs.evaluation import TaskResult
from tests.conftest import CHUNK
from tests.question_lab import QUESTIONS, add_questions
from ui.layout import build
from ui.merge.task_count_choice import task_counts
from ui.merge.task_count_table import task_count_table
from ui.shell.difference_words import change_words
from ui.shell.text import percent, points


@pytest.fixture(scope="module")
def asked(both_labs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_questions(Path(shutil.copytree(both_labs, tmp_path_factory.mktemp("asked") / "lab")))


def built(studio: Studio) -> gr.Blocks:
    """Inside an event loop: outside of one, Gradio opens two and never closes them."""

    async def lay_out() -> gr.Blocks:
        return build(studio)

    return asyncio.run(lay_out())


def scored(correct: int, keys: str = "ab") -> Score:
    return Score(tuple(TaskResult(key, key.title(), "target", correct, 400) for key in keys), "test")


def choice_of(page: gr.Blocks) -> Any:
    return next((one for one in page.blocks.values() if one.elem_id == "lx-merge-count"), None)


def listener(page: gr.Blocks, target: int, event: str, name: str) -> Any:
    return next(
        fn.fn
        for fn in page.fns.values()
        if (target, event) in fn.targets and fn.fn is not None and fn.fn.__name__ == name
    )


def test_models_with_the_same_weights_are_the_choices(asked: Path, both_labs: Path) -> None:
    studio = Studio(asked, None, chunk=CHUNK)
    choices = [("2", TINY_CLIP), ("8", TINY_CLIP_14), ("14", TINY_CLIP_20)]
    assert task_counts(studio, TINY_CLIP) == task_counts(studio, TINY_CLIP_20) == choices
    assert task_counts(studio, TINY_CONVNEXT) == []
    assert task_counts(studio, "ViT-B-32") == []
    assert task_counts(Studio(both_labs, None), TINY_CLIP) == []


def test_a_choice_sets_the_model_and_follows_it(asked: Path) -> None:
    studio = Studio(asked, None, chunk=CHUNK)
    page = built(studio)
    choice = choice_of(page)
    assert choice.value == TINY_CLIP
    choose = listener(page, choice._id, "input", "choose")
    request: Any = gr.Request(session_hash="visitor")
    model, checkpoints = choose(request, TINY_CLIP_20, "faces")
    assert model == TINY_CLIP_20
    assert [key for _, key in checkpoints["choices"]] == ["digits", "faces", *QUESTIONS]
    assert "value" not in checkpoints  # the task that was chosen is there too
    assert choose(request, "no-model", "faces") == (gr.skip(), gr.skip())
    coefficients = {
        one._id for one in page.blocks.values() if one.elem_id in ("lx-merge-beta", "lx-merge-plain")
    }
    begins = [fn for fn in page.fns.values() if (choice._id, "input") in fn.targets and fn.js]
    assert [{one._id for one in fn.outputs} for fn in begins] == [coefficients]
    menu = next(one for one in page.blocks.values() if one.elem_id == "lx-model")
    follow = listener(page, menu._id, "change", "follow")
    assert follow(TINY_CLIP_14)["value"] == TINY_CLIP_14
    assert follow(TINY_CONVNEXT)["visible"] == "hidden"


def test_without_questions_there_is_no_choice(both_labs: Path) -> None:
    assert choice_of(built(Studio(both_labs, None, chunk=CHUNK))) is None


def test_the_table_says_what_lines_changes_with_each_number(tmp_path: Path) -> None:
    helps = Table2Row("sum", 0.3, scored(200), 0.125, 0.3, scored(300))
    same = replace(helps, method="ties", lines=scored(202))
    few = TaskCount(TINY_CLIP, scored(100), scored(400), (helps, same))
    harms = replace(
        helps, plain=scored(200, "abc"), lines=Score((*scored(240).tasks, *scored(100, "c").tasks), "test")
    )
    many = TaskCount(
        TINY_CLIP_14, scored(100, "abc"), scored(300, "abc"), (harms, replace(harms, method="ties"))
    )
    counts = TaskCounts((few, many), (few,), scored(290, "abc"))
    save_task_counts(tmp_path / FILE, counts)
    assert read_task_counts(tmp_path / FILE) == counts
    shown = task_count_table(counts, OutsideRules())
    assert "With 2 tasks LiNeS measurably helps Task arithmetic;" in shown
    assert "With 3 tasks LiNeS measurably helps no method; the best merge is Task arithmetic alone" in shown
    assert f"{percent(0.5)} → {percent(0.75)}: {points(0.25)} (20.3 to 29.5)" in shown
    usual, asked = (change_words(change_on(keys, harms.plain, harms.lines)) for keys in ("ab", "c"))
    assert usual.startswith(points(0.1))
    assert asked.startswith(points(-0.25))
    assert f"by Task arithmetic, the usual 2 change by {usual}, the added questions by {asked}" in shown
    assert task_count_table(TaskCounts((few,)), OutsideRules()) == ""
    assert read_task_counts(tmp_path / "absent.json") == TaskCounts()
