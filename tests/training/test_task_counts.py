"""Merges of 14 and 20 tasks, counted on shared images: as the studio counts them, chosen on validation."""

import shutil
from pathlib import Path

import pytest

from evaluators import EditSpec, Studio
from evaluators.experiments.merge_search import MergeConfig, MergeSearch
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.labs.embedded_lab import TINY_CLIP_14, EmbeddedLab
from tests.conftest import CHUNK, IMAGES
from tests.question_lab import QUESTIONS, add_questions
from training.report_task_counts import task_counts_section
from training.shared_images import SharedImages
from training.task_count_study import Counter, counted, drawn_tasks

KEYS = ("digits", "faces", *QUESTIONS[:6])


@pytest.fixture(scope="module")
def studio(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = add_questions(Path(shutil.copytree(lab, tmp_path_factory.mktemp("asked") / "lab")))
    return Studio(folder, None, chunk=CHUNK)


@pytest.fixture(scope="module")
def embedded(studio: Studio) -> EmbeddedLab:
    lab = studio.embedded(TINY_CLIP_14)
    assert lab is not None
    return lab


def spec_of(config: MergeConfig, alpha: float, beta: float, split: str = "test") -> EditSpec:
    (spec,) = config.specs(alpha, beta, split=split, images=ALL_IMAGES)
    return spec


@pytest.mark.parametrize("split", ["val", "test"])
def test_counts_are_those_of_the_studio(studio: Studio, embedded: EmbeddedLab, split: str) -> None:
    images = SharedImages(embedded, split)
    config = MergeConfig(KEYS, "sum", model=TINY_CLIP_14)
    tuned = EditSpec.finetuned("question_03", model=TINY_CLIP_14, split=split, images=ALL_IMAGES)
    for spec, keys in ((spec_of(config, 0.2, 0.3, split), KEYS), (tuned, ("question_03",))):
        assert images.score(spec, keys).tasks == studio.evaluate(spec).target_tasks


def test_the_first_images_are_those_of_each_data_set(embedded: EmbeddedLab) -> None:
    """One image in three shows nothing, so eight of twelve are counted."""
    config = MergeConfig(KEYS, "sum", model=TINY_CLIP_14)
    score = SharedImages(embedded, "val", 12).score(spec_of(config, 0.2, 0.3, "val"), KEYS)
    assert [task.n for task in score.tasks] == [12, 12, *[8] * 6]


def test_a_row_is_chosen_on_validation_and_reported_on_test(studio: Studio) -> None:
    counter = Counter.of(studio, TINY_CLIP_14)
    found = counted(studio, counter, TINY_CLIP_14, ("sum",), KEYS)
    (row,) = found.rows
    assert found.tasks == len(KEYS) == 8
    assert [task.n for task in row.plain.tasks] == [IMAGES["test"]] * 2 + [28] * 6
    config = MergeConfig(KEYS, "sum", model=TINY_CLIP_14)
    search = MergeSearch(config, row.alpha, images=ALL_IMAGES)
    evaluated = {spec: studio.evaluate(spec) for spec in (*search.plain.specs, *search.lines.specs)}
    assert search.plain.result(evaluated).best == (row.scale, 0.0)
    assert search.lines.result(evaluated).best == (row.alpha, row.beta)
    assert row.lines.tasks == studio.evaluate(spec_of(config, row.alpha, row.beta)).target_tasks
    tuned = EditSpec.finetuned("faces", model=TINY_CLIP_14, images=ALL_IMAGES)
    assert found.finetuned.tasks[1] == studio.evaluate(tuned).target_tasks[0]


def test_of_a_long_grid_the_neighbours_of_the_best_are_measured(studio: Studio) -> None:
    """The best of the whole grid is found, or what is best beside every second candidate."""
    counter = Counter.of(studio, TINY_CLIP_14)
    config = MergeConfig(KEYS, "tsv-m", model=TINY_CLIP_14)
    candidates = MergeSearch(config, 0.1).plain.coefficients
    tuned = counter.finetuned(TINY_CLIP_14, KEYS, "val")
    scores = [
        counter.val.score(spec_of(config, *one, split="val"), KEYS).normalised(tuned) for one in candidates
    ]
    best = candidates.index(counter.best(config, candidates, tuned))
    coarse = 1 + 2 * scores[1::2].index(max(scores[1::2]))
    near = range(max(0, coarse - 1), min(len(scores), coarse + 2))
    assert scores[best] == max(scores[at] for at in near)


def test_drawn_sets_are_of_eight_tasks_and_stay_the_same() -> None:
    keys = [f"task-{number:02}" for number in range(20)]
    drawn = drawn_tasks(keys)
    assert drawn == drawn_tasks(keys[::-1])
    assert {len(set(one)) for one in drawn} == {8}
    assert len(set(drawn)) == len(drawn)


def test_without_measurements_there_is_no_section(tmp_path: Path) -> None:
    assert list(task_counts_section(tmp_path)) == []
