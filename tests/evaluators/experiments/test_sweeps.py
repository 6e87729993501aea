"""The sweeps of the paper's figures as specs, and their evaluation point by point."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.errors import Cancelled, EvaluationError
from evaluators.experiments.sweeps import (
    gamma_sweep,
    robust_sweep,
    run_sweep,
    save_precomputed,
    wise_ft_sweep,
)
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec


def test_gamma_sweep_runs_down_from_finetuned() -> None:
    specs = gamma_sweep("digits", "val", images=50)
    assert [spec.alpha for spec in specs] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert all(spec.alpha + spec.beta == 1.0 for spec in specs)
    assert {(spec.split, spec.images, spec.outside, spec.shape) for spec in specs} == {
        ("val", 50, "alpha", "linear")
    }
    assert specs[0].scales(12) == EditSpec.finetuned("digits").scales(12)
    assert specs[-1].scales(3) == ((0.0, 0.5, 1.0), 0.0, 0.0)


def test_reverse_sweep_shrinks_deep_blocks_and_what_follows_them() -> None:
    specs = gamma_sweep("digits", shape="reverse")
    assert specs[0].scales(12) == EditSpec.finetuned("digits").scales(12)
    assert specs[-1].scales(3) == ((1.0, 0.5, 0.0), 1.0, 0.0)


def test_wise_ft_sweep_is_the_straight_line() -> None:
    for mix, spec in zip(range(11), wise_ft_sweep("digits"), strict=True):
        assert spec.scales(2) == ((mix / 10, mix / 10), mix / 10, mix / 10)


def test_robust_sweep_scales_the_lines_edit() -> None:
    specs = robust_sweep("objects")
    assert len(specs) == 11
    assert specs[10].scales(3) == ((0.5, 0.75, 1.0), 0.5, 0.5)
    assert specs[5].scales(3) == ((0.25, 0.375, 0.5), 0.25, 0.25)


def test_points_come_one_by_one_and_are_cached(studio: Studio) -> None:
    specs = gamma_sweep("digits", images=8)
    sweep = run_sweep(studio, specs)
    spec, evaluation = next(sweep)
    assert spec == specs[0] == evaluation.spec
    assert evaluation.complete
    assert studio.cached(specs[1]) is None
    assert [spec for spec, _ in sweep] == list(specs[1:])
    assert all(studio.cached(spec) == evaluation for spec, evaluation in run_sweep(studio, specs))


def test_cancelled_between_chunks(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    event = threading.Event()
    specs = gamma_sweep("digits", images=40)
    sweep = run_sweep(studio, specs, cancelled=event)
    next(sweep)
    encode = studio.lab.encoder.encode
    passes: list[None] = []

    def cancel_after_two(images: object) -> object:
        passes.append(None)
        if len(passes) == 2:
            event.set()
        return encode(images)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.lab.encoder, "encode", cancel_after_two)
    with pytest.raises(Cancelled, match="after 1 points"):
        next(sweep)
    assert len(passes) == 2
    assert studio.cached(specs[0]) is not None


def test_a_slider_goes_between_the_points_of_a_sweep(studio: Studio) -> None:
    sweep = run_sweep(studio, gamma_sweep("digits", images=8), ticket=studio.ticket("sweep"))
    next(sweep)
    studio.first(EditSpec.finetuned("faces"), studio.ticket("me"))
    assert len(list(sweep)) == 10


def test_only_complete_evaluations_ship(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="partial"):
        save_precomputed(studio, tmp_path / "a.json", [studio.first(EditSpec.finetuned("digits"))])
    assert not list(tmp_path.iterdir())


def test_a_sweep_that_ships_is_written_alike_again(studio: Studio, tmp_path: Path) -> None:
    """Counts that a step found shipped made its file another one, though nothing had been counted."""
    counted = studio.evaluate(EditSpec.finetuned("digits"))
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, known in zip(files, (counted, replace(counted, precomputed=True)), strict=True):
        save_precomputed(studio, path, [known])
    assert files[0].read_bytes() == files[1].read_bytes()
