"""Learning in a lab: the counts are the studio's, one at a time, stopped, and written and read again."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators.errors import Cancelled, EvaluationError, QueueFull, SpecError, Superseded
from evaluators.experiments.learned_merge import (
    LearnedMerge,
    MergeCost,
    ShippedLearning,
    mean_over_seeds,
    read_shipped,
    save_shipped,
    spread_over_seeds,
)
from evaluators.experiments.learning_desk import LearningDesk
from evaluators.experiments.learning_run import CoefficientRun, LearningRequest, tenths
from evaluators.experiments.merge_search import MergeConfig
from evaluators.service.studio import Studio

PAIR = ("digits", "faces")
REQUEST = LearningRequest(PAIR, "atlas", "tiny-clip", steps=4)


def run_of(studio: Studio, request: LearningRequest = REQUEST) -> CoefficientRun:
    return CoefficientRun(studio.lab, request, lambda: None)


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_counts_of_one_coefficient_are_those_of_task_arithmetic(studio: Studio, split: str) -> None:
    run = run_of(studio)
    *_, counted = run.count(torch.full(run.merge.shape, 0.4), split)
    (spec,) = MergeConfig(PAIR).specs(0.4, split=split, images=0)
    assert counted == studio.evaluate(spec).target_tasks


def test_it_ends_with_all_test_images_of_the_merged_tasks(studio: Studio) -> None:
    states = list(run_of(studio).steps())
    learning = [state for state in states if not state.tasks]
    assert [state.steps for state in learning] == [0, 1, 2, 3, 4]
    assert [state.cost.forward for state in learning] == [0, 32, 64, 96, 128]
    last = states[-1]
    assert last.counted
    assert not states[-2].counted
    assert [(task.key, task.n) for task in last.tasks] == [("digits", 42), ("faces", 42)]
    assert last.cost.labels == 2 * 24
    assert {part: (len(tasks), len(tasks[0])) for part, tasks in last.profile.items()} == {
        "attention": (2, 4),
        "mlp": (2, 4),
    }
    assert last.mean_profile()["mlp"][0] == pytest.approx(
        (last.profile["mlp"][0][0] + last.profile["mlp"][1][0]) / 2
    )


def test_entropy_costs_no_labels(studio: Studio) -> None:
    *_, last = run_of(studio, replace(REQUEST, learner="adamerging")).steps()
    assert last.cost.labels == 0
    assert last.cost.backward == last.cost.forward == 128


def test_the_live_model_is_left_as_it_is(studio: Studio) -> None:
    (spec,) = MergeConfig(PAIR).specs(0.4, images=0)
    before = studio.evaluate(spec)
    list(run_of(studio).steps())
    assert studio.evaluate(spec, fresh=True).tasks == before.tasks


def test_the_desk_gives_what_a_run_alone_gives(studio: Studio) -> None:
    *_, alone = run_of(studio).steps()
    *_, there = LearningDesk().learn(studio, REQUEST)
    assert replace(there, cost=alone.cost) == alone


def test_one_at_a_time(studio: Studio) -> None:
    desk = LearningDesk()
    first = desk.learn(studio, replace(REQUEST, steps=5000))
    next(first)
    with pytest.raises(QueueFull, match="another visitor"):
        next(desk.learn(studio, REQUEST))
    first.close()  # type: ignore[attr-defined]
    *_, last = desk.learn(studio, REQUEST)
    assert last.counted


def test_it_stops_at_the_next_pass(studio: Studio) -> None:
    desk, stop = LearningDesk(), threading.Event()
    running = desk.learn(studio, replace(REQUEST, steps=5000), stop=stop)
    next(running)
    stop.set()
    with pytest.raises(Cancelled):
        list(running)
    ticket = studio.ticket("learned")
    running = desk.learn(studio, replace(REQUEST, steps=5000), ticket)
    next(running)
    studio.ticket("learned")
    with pytest.raises(Superseded):
        list(running)


def test_live_requests_come_first(studio: Studio) -> None:
    """A request for the live model is answered while learning goes on, which goes on after it."""
    desk = LearningDesk()
    running = desk.learn(studio, replace(REQUEST, steps=5000))
    next(running)
    (spec,) = MergeConfig(PAIR).specs(0.7, images=0)
    assert studio.evaluate(spec).complete
    assert next(running).steps > 0
    running.close()  # type: ignore[attr-defined]


def test_what_cannot_be_learned_is_refused(studio: Studio) -> None:
    with pytest.raises(SpecError, match="at least two"):
        LearningRequest(("digits",), "atlas", "tiny-clip")
    with pytest.raises(SpecError, match="adamerging, atlas"):
        LearningRequest(PAIR, "sgd", "tiny-clip")
    with pytest.raises(SpecError, match="from 1 to"):
        LearningRequest(PAIR, "atlas", "tiny-clip", steps=10**6)
    with pytest.raises(SpecError, match="val or test"):
        LearningRequest(PAIR, "atlas", "tiny-clip", "train")
    with pytest.raises(SpecError, match="no checkpoint 'mnist'"):
        list(LearningDesk().learn(studio, LearningRequest(("digits", "mnist"), "atlas", "tiny-clip")))
    *_, last = LearningDesk().learn(studio, REQUEST)
    assert last.counted, "a refused one gives its place back"


def test_the_checkpoints_of_one_suite(studio: Studio) -> None:
    mixed = LearningRequest(("digits", "objects"), "atlas", "tiny-clip")
    with pytest.raises(SpecError, match="same tasks"):
        run_of(studio, mixed)


def test_losses_by_tenths() -> None:
    assert tenths([]) == ()
    assert tenths([2.0, 1.0]) == (2.0, 1.0)
    assert tenths([float(step) for step in range(40)]) == tuple(1.5 + 4 * part for part in range(10))


def test_repetitions_as_one(studio: Studio) -> None:
    *_, one = run_of(studio).steps()
    task = one.tasks[0]
    other = replace(
        one,
        seed=1,
        profile={"mlp": ((0.2, 0.4),)},
        tasks=(replace(task, correct=20), replace(one.tasks[1], correct=11)),
        cost=replace(one.cost, seconds=1.0),
    )
    one = replace(
        other,
        profile={"mlp": ((0.4, 0.4),)},
        tasks=(replace(task, correct=10), replace(one.tasks[1], correct=12)),
        cost=replace(one.cost, seconds=3.0),
    )
    mean = mean_over_seeds((one, other))
    assert [found.correct for found in mean.tasks] == [15, 12]
    assert mean.profile["mlp"][0] == pytest.approx((0.3, 0.4))
    assert mean.cost.seconds == 1.0
    assert not mean.coefficients
    assert not mean.checkpoints
    assert mean_over_seeds((one,)) is one
    assert spread_over_seeds((one, other)) == pytest.approx((31 - 22) / 84 / 2**0.5)


def test_what_ships_is_read_as_it_was_written(studio: Studio, tmp_path: Path) -> None:
    assert read_shipped(tmp_path) == ShippedLearning()
    *_, last = run_of(studio).steps()
    other = replace(last, seed=1)
    shipped = ShippedLearning((other, last), {"plain": MergeCost(1.5, 48, 480)})
    save_shipped(tmp_path, shipped)
    found = read_shipped(tmp_path)
    assert found == shipped
    assert found.of("atlas", "val") == (last, other)
    assert found.of("atlas", "test") == ()
    (tmp_path / "report" / "learned.json").write_text('{"runs": [{}], "searches": {}}')
    with pytest.raises(EvaluationError, match="learned merge"):
        read_shipped(tmp_path)
    with pytest.raises(EvaluationError, match="adamerging or atlas"):
        LearnedMerge.from_dict(last.as_dict() | {"learner": "sgd"})
    with pytest.raises(EvaluationError, match="got 1 for 2"):
        LearnedMerge.from_dict(last.as_dict() | {"coefficients": [[0.5]]})
