"""The recipe of the gamma grid goes on where it was stopped, and what ships equals a fresh count."""

import re
import shutil
from pathlib import Path

import pytest

from evaluators import EditSpec, Studio
from evaluators.service.shipped_grid import made_with
from evaluators.specs.gamma_grid import STEPS, grid_path, read_grid
from tests.conftest import CHUNK
from tests.paths import ASSETS
from training.default_sweeps import LIVE_IMAGES
from training.measured_grid import measure_gamma_grid
from training.study import shipped_evaluations
from ui.pictures.sprites import EACH

SHIPPED = sorted(path.name for path in (ASSETS / "grid").glob("*.json.gz"))
SAMPLE = (
    EditSpec.lines("digits", 0.37),
    EditSpec.lines("objects", 0.81),
    EditSpec.lines("vehicles", 0.04, split="val"),
    EditSpec.lines("scenes", 0.55, shape="sqrt"),
    EditSpec.lines("faces", 0.66, shape="reverse", split="val"),
)


@pytest.mark.usefixtures("torch_threads")
def test_a_stopped_measurement_goes_on_and_a_finished_file_is_kept(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.measured_grid.LIVE_IMAGES", EACH)
    assets = Path(shutil.copytree(lab, tmp_path / "lab"))
    points, cache = 3 * (STEPS + 1), tmp_path / "work"
    stopped = measure_gamma_grid(assets, cache, workers=1)
    assert next(stopped) == f"linear-test.json.gz: {points} of {points} evaluations are missing"
    assert next(stopped).startswith(f"linear-test.json.gz: {points // 3} of {points}, ")
    stopped.close()
    assert not (assets / "grid").exists()

    again = measure_gamma_grid(assets, cache, workers=1)
    missing = re.match(r"linear-test.json.gz: (\d+) of", next(again))
    assert missing
    assert int(missing[1]) <= points - points // 3
    assert any(" bytes" in line for line in again)
    again.close()
    assert "linear-val" in next(measure_gamma_grid(assets, cache, workers=1))

    spec = EditSpec.lines("faces", 0.42, images=EACH)
    shipped = Studio(assets, None, chunk=CHUNK).cached(spec)
    assert shipped is not None
    assert shipped.tasks == Studio(lab, None, chunk=CHUNK).evaluate(spec).tasks


@pytest.fixture(scope="module")
def shipping() -> Studio:
    """The studio of what ships."""
    return Studio(ASSETS, None)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_was_made_with_what_ships(shipping: Studio, name: str) -> None:
    shape, split = name.removesuffix(".json.gz").split("-")
    lines = read_grid(grid_path(ASSETS, shape, split))
    measurable = [
        one.key for one in shipping.checkpoints() if split == "test" or one.suite == "tasks"
    ]  # the shifted sets of the objects are test sets
    assert list(lines) == measurable
    for key, line in lines.items():
        assert line.made_with == made_with(shipping.lab, key, split)
        assert set(line.images.values()) == {LIVE_IMAGES}
        assert {len(truth) for truth in line.truth.values()} == {EACH}


def test_the_grid_and_the_sweeps_agree(shipping: Studio) -> None:
    """Tenths of gamma and of the WiSE-FT mix were measured earlier, on the live encoder."""
    compared = 0
    for spec, evaluation in shipped_evaluations(ASSETS).items():
        found = shipping._results._grid.get(shipping.lab.resolve(spec))
        if found is not None:
            compared += 1
            counts = {task.key: (task.correct, task.n) for task in found.tasks}
            assert counts == {task.key: (task.correct, task.n) for task in evaluation.tasks}, spec
    assert compared >= 100


@pytest.mark.parametrize("spec", [one for one in SAMPLE if f"{one.shape}-{one.split}.json.gz" in SHIPPED])
def test_a_shipped_row_equals_a_fresh_count(shipping: Studio, spec: EditSpec) -> None:
    known, pictured = shipping.cached(spec), shipping.known_pictures(spec)
    assert known is not None
    assert pictured is not None
    assert known.precomputed
    fresh = shipping.evaluate(spec, fresh=True)
    assert not fresh.precomputed
    assert known.tasks == fresh.tasks
    for position in range(len(fresh.tasks)):
        assert pictured.predicted(position) == fresh.predicted(position)[:EACH]
