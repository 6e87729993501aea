"""Merges through the real studio against dictionary arithmetic, and the search on made-up scores."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evaluators.errors import EvaluationError, SpecError
from evaluators.experiments.merge_search import (
    CandidateGrid,
    Coefficients,
    MergeConfig,
    MergeSearch,
    Score,
    best_of,
    heat_betas,
    score,
)
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import TaskResult
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS

PAIR = ("digits", "faces")


def residual(lab: Path, key: str) -> dict[str, torch.Tensor]:
    """tau of a whole checkpoint by name."""
    folder = lab / "tiny_clip"
    before = load_file(folder / "open_clip_model.safetensors")
    after = load_file(folder / "finetuned" / f"{key}.safetensors")
    return {name: value.float() - before[name].float() for name, value in after.items()}


def carried(studio: Studio, spec: EditSpec) -> dict[str, torch.Tensor]:
    """The weights of the live tower once it carries a spec."""
    encoder = studio.lab.encoder
    resolved = studio.lab.resolve(spec)
    encoder.write_edit(resolved.residual, resolved.scales)
    live = encoder.loaded.clip.named_parameters()
    return {name: value.detach().clone() for name, value in live if name.startswith("visual.")}


def test_task_arithmetic_is_the_sum_of_residuals_times_the_schedule(lab: Path, studio: Studio) -> None:
    before = load_file(lab / "tiny_clip" / "open_clip_model.safetensors")
    digits, faces = (residual(lab, key) for key in PAIR)
    spec = EditSpec.merged(MergeSpec(PAIR), alpha=0.25, beta=0.6)
    factors = spec.scales(4)
    for name, value in carried(studio, spec).items():
        block = name.split("resblocks.")[1].split(".")[0] if "resblocks." in name else None
        factor = factors.before if block is None else factors.blocks[int(block)]
        expected = before[name].float() + factor * (digits[name] + faces[name])
        assert torch.allclose(value, expected, atol=1e-6), name


def test_two_methods_that_come_to_the_same_give_the_same_counts(studio: Studio) -> None:
    summed = studio.evaluate(EditSpec.merged(MergeSpec(PAIR), 0.5, images=20))
    averaged = studio.evaluate(EditSpec.merged(MergeSpec(PAIR, "average"), 1.0, images=20))
    assert summed.tasks == averaged.tasks
    alone = studio.evaluate(EditSpec.merged(MergeSpec(("digits",)), 1.0, images=20))
    usual = studio.evaluate(EditSpec.finetuned("digits", images=20))
    assert alone.tasks == usual.tasks


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_can_be_measured(studio: Studio, method: str) -> None:
    config = MergeConfig(PAIR, method)
    found = [studio.evaluate(spec) for spec in config.specs(0.3, 0.2, images=6)]
    assert [task.key for task in score(found).tasks] == list(PAIR)
    assert len(found) == (2 if METHODS[method].per_task else 1)


def test_the_roles_of_a_merge(studio: Studio) -> None:
    found = studio.evaluate(EditSpec.merged(MergeSpec(PAIR), images=6))
    assert [(task.key, task.role) for task in found.tasks] == [
        ("digits", "target"),
        ("textures", "control"),
        ("faces", "target"),
    ]
    assert found.target == pytest.approx((found.tasks[0].accuracy + found.tasks[2].accuracy) / 2)
    assert found.control == found.tasks[1].accuracy
    low, high = found.target_interval
    assert low < found.target < high
    again = studio.cached(EditSpec.pretrained("digits", images=6))
    assert again is None
    zero_shot = studio.evaluate(EditSpec.merged(MergeSpec(PAIR), 0.0, images=6))
    known = studio.cached(EditSpec.pretrained("digits", images=6))
    assert known is not None  # one model under two specs
    assert [task.correct for task in known.tasks] == [task.correct for task in zero_shot.tasks]
    assert [task.role for task in known.tasks] == ["target", "control", "control"]


def test_merging_different_suites_or_unknown_checkpoints_is_an_error(studio: Studio) -> None:
    with pytest.raises(SpecError, match="suites objects and tasks"):
        studio.cached(EditSpec.merged(MergeSpec(("digits", "objects"))))
    with pytest.raises(SpecError, match="no checkpoint 'cars'"):
        studio.cached(EditSpec.merged(MergeSpec(("digits", "cars"))))
    with pytest.raises(SpecError, match="no checkpoint 'cars'"):
        studio.merging_alpha("tiny-clip", MergeSpec(("digits", "cars")))


def test_the_alpha_of_eq_2(lab: Path, studio: Studio) -> None:
    assert studio.merging_alpha("tiny-clip", MergeSpec(PAIR)).alpha == pytest.approx(0.5)
    found = studio.merging_alpha("tiny-clip", MergeSpec(PAIR, "ties"))
    flat = [torch.cat([value.flatten() for value in residual(lab, key).values()]) for key in PAIR]
    assert found.sum_norm == pytest.approx(float((flat[0] + flat[1]).abs().sum()), rel=1e-4)
    assert found.alpha == pytest.approx(0.5 * found.sum_norm / found.merged_norm)


def test_a_merge_is_made_once_and_then_edited(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = studio.lab.encoder
    reads: list[str] = []
    read = encoder._read_residual

    def counted(key: str) -> torch.Tensor:
        reads.append(key)
        return read(key)

    monkeypatch.setattr(encoder, "_read_residual", counted)
    for beta in (0.1, 0.2, 0.3):
        studio.evaluate(EditSpec.merged(MergeSpec(PAIR, "ties"), 0.2, beta, images=6))
    assert reads == list(PAIR)


def results(*accuracies: int, split: str = "val", complete: bool = True) -> Score:
    tasks = tuple(
        TaskResult(f"t{i}", f"T{i}", "target", correct, 100) for i, correct in enumerate(accuracies)
    )
    return Score(tasks, split, complete)


def test_a_score_by_hand() -> None:
    merged, alone = results(40, 90), results(80, 90)
    assert merged.mean == pytest.approx(0.65)
    assert merged.normalised(alone) == pytest.approx((0.5 + 1.0) / 2)
    low, high = merged.interval
    assert low < 0.65 < high
    with pytest.raises(EvaluationError, match="fine-tuned models are of"):
        merged.normalised(results(1))
    with pytest.raises(EvaluationError, match="no ratio"):
        merged.normalised(results(0, 90))


def test_the_best_coefficient_is_the_smallest_of_equals() -> None:
    alone = results(100, 100)
    candidates = {
        (scale, 0.0): results(*accuracies)
        for scale, accuracies in {0.3: (70, 70), 0.1: (60, 60), 0.2: (60, 80), 0.4: (10, 10)}.items()
    }
    assert best_of(candidates, alone) == (0.2, 0.0)
    assert best_of({(0.1, 0.5): results(7, 7), (0.1, 0.4): results(7, 7)}, alone) == (0.1, 0.4)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "no candidate"),
        ({(0.1, 0.0): results(1, 1, split="test")}, "chosen on validation"),
        ({(0.1, 0.0): results(1, 1, complete=False)}, "got a partial one"),
    ],
)
def test_a_choice_needs_complete_validation_scores(scores: dict[Coefficients, Score], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        best_of(scores, results(100, 100))


def test_a_score_counts_each_task_once_on_one_split(studio: Studio) -> None:
    one = studio.evaluate(EditSpec.finetuned("digits", images=6))
    other = studio.evaluate(EditSpec.finetuned("faces", images=6, split="val"))
    with pytest.raises(EvaluationError, match="each task once"):
        score([one, one])
    with pytest.raises(EvaluationError, match="one split, got test, val"):
        score([one, other])
    with pytest.raises(EvaluationError, match="no evaluation"):
        score([])


def test_the_grids_are_the_papers() -> None:
    search = MergeSearch(MergeConfig(PAIR, "sum"), 0.5, "sqrt")
    tenths = [i / 10 for i in range(1, 16)]
    assert [scale for scale, _ in search.plain.coefficients] == pytest.approx(tenths[:10])
    ties = MergeSearch(MergeConfig(PAIR, "ties"), 0.5)
    assert [scale for scale, _ in ties.plain.coefficients] == pytest.approx(tenths)
    (spec,) = search.lines.candidates[0.5, 0.3]
    assert (spec.alpha, spec.beta, spec.shape, spec.split) == (0.5, 0.3, "sqrt", "val")
    assert len(search.heat.candidates) == 121
    assert search.heat.candidates[0.25, 0.7][0].images == 100
    assert heat_betas("ties")[-1] == 1.5


def test_a_grid_is_scored_as_it_is_measured_and_tested_once_it_is_chosen(studio: Studio) -> None:
    grid = CandidateGrid(MergeConfig(PAIR, "tall-masks"), ((0.5, 0.0), (1.0, 0.0)), "linear", 6, 8)
    *first, last = grid.specs
    found = {spec: studio.evaluate(spec) for spec in first}
    assert list(grid.result(found).normalised) == [
        (0.5, 0.0)
    ]  # one model per task: half of (1.0, 0.0) is no score
    assert grid.result(found).best is None
    found[last] = studio.evaluate(last)
    chosen = grid.result(found)
    assert chosen.best in grid.coefficients
    assert chosen.test is None
    tests = grid.test_specs(chosen.best)
    assert {(spec.split, spec.images, spec.alpha) for spec in tests} == {("test", 8, chosen.best[0])}
    found |= {spec: studio.evaluate(spec) for spec in tests}
    assert grid.result(found).test == score(found[spec] for spec in tests)


def test_nothing_is_tested_until_the_curves_and_the_map_are_chosen(studio: Studio) -> None:
    search = MergeSearch(MergeConfig(PAIR), 0.5, images=6, heat_images=3)
    found = {spec: studio.evaluate(spec) for spec in search.specs()}
    missing = found.pop(search.heat.specs[-1])
    assert search.test_specs(found) == ()
    found[missing.spec] = missing
    tests = search.test_specs(found)
    assert tests[:2] == search.config.finetuned(images=6)
    assert len(tests) == 5
