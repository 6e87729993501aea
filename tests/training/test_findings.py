"""The arithmetic of the report, on numbers worked by hand."""

from pathlib import Path

import pytest

from evaluators import EditSpec, Studio
from evaluators.experiments.merge_search import MergeSearch
from tests.paths import ASSETS
from training.ample_targets import ample_specs, measure_ample_targets, read_ample_targets
from training.findings import best_beyond, equal_target_control
from training.merging_study import merge_configs, page_evaluations
from training.report import AMPLE
from training.study import read_evaluations, shipped_evaluations
from training.world.catalogue import TASKS


def test_the_best_beyond_a_level_lies_between_two_points() -> None:
    path = [(1.0, 0.2), (0.8, 0.4), (0.4, 0.6)]
    assert best_beyond(path, 0.9) == pytest.approx(0.3)
    assert best_beyond(path, 0.8) == pytest.approx(0.4)
    assert best_beyond(path, 0.6) == pytest.approx(0.5)
    assert best_beyond(path, 0.0) == pytest.approx(0.6)


def test_an_earlier_better_point_counts() -> None:
    assert best_beyond([(1.0, 0.7), (0.5, 0.2)], 0.6) == pytest.approx(0.7)


def test_a_path_that_never_reaches_the_level_has_no_best() -> None:
    assert best_beyond([(0.5, 0.9)], 0.6) == float("-inf")


def test_below_the_level_a_path_counts_at_its_own_best_target() -> None:
    path = [(0.9, 0.2), (0.7, 0.4)]
    assert equal_target_control(path, 0.8) == pytest.approx(0.3)
    assert equal_target_control(path, 0.95) == pytest.approx(0.2)


def test_ample_targets_agree_with_the_shipped_ones() -> None:
    """They begin with the shipped images, so over 176 models they can differ by sampling only."""
    ample, measured = read_ample_targets(ASSETS / "report" / AMPLE), shipped_evaluations(ASSETS)
    specs = [spec for key in TASKS for spec in ample_specs(key)]
    assert set(ample) == set(specs)
    off = [ample[spec] - measured[spec].target for spec in specs]
    assert abs(sum(off) / len(off)) < 0.01
    assert 0 < max(map(abs, off)) < 0.06


def test_on_the_shipped_images_ample_targets_are_the_shipped_targets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = shipped_evaluations(ASSETS)
    specs = (EditSpec.lines("faces", 0.4, images=0), EditSpec.wise_ft("faces", 0.2, images=0))
    shipped = measured[specs[0]].target_task.n
    monkeypatch.setattr("training.ample_targets.IMAGES", shipped)
    monkeypatch.setattr("training.ample_targets.TASKS", ("faces",))
    monkeypatch.setattr("training.ample_targets.ample_specs", lambda key: specs)
    list(measure_ample_targets(ASSETS, tmp_path / "found" / "ample.json", workers=1))
    found = read_ample_targets(tmp_path / "found" / "ample.json")
    assert found == {spec: measured[spec].target for spec in specs}


def test_the_shipped_sweep_of_a_merge_is_what_the_page_shows_first() -> None:
    studio = Studio(ASSETS, None)
    config = merge_configs(studio)["sum"]
    alpha = studio.merging_alpha(config.model, config.merges[0]).alpha
    shown = page_evaluations(studio, MergeSearch(config, alpha))
    assert set(shown) == set(read_evaluations([ASSETS / "sweeps" / "merge-sum.json"]))
