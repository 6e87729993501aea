import json
import logging
import shutil
from pathlib import Path

import pytest

from evaluators.errors import LabError
from evaluators.experiments.sweeps import save_precomputed
from evaluators.service.result_cache import ResultCache
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.resolved_spec import ResolvedSpec

CHUNK = 12


@pytest.fixture(scope="module")
def shipping(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab that ships evaluations of three checkpoints, and of the pre-trained model with the second."""
    folder = Path(shutil.copytree(lab, tmp_path_factory.mktemp("shipping") / "lab"))
    studio = Studio(folder, None, chunk=CHUNK)
    first = [EditSpec.finetuned("digits"), EditSpec.lines("digits", 0.5)]
    second = [EditSpec.finetuned("faces"), EditSpec.pretrained("faces")]
    third = [EditSpec.finetuned("objects")]
    save_precomputed(studio, folder / "sweeps" / "a.json", [studio.evaluate(spec) for spec in first])
    save_precomputed(studio, folder / "sweeps" / "b.json", [studio.evaluate(spec) for spec in second])
    save_precomputed(studio, folder / "sweeps" / "c.json", [studio.evaluate(spec) for spec in third])
    return folder


def test_what_shipped_evaluations_measure_is_worked_out_when_asked_for(
    shipping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Studio(shipping, None, chunk=CHUNK).lab
    measure, worked_out = lab.resolve, list[EditSpec]()

    def noted(spec: EditSpec) -> ResolvedSpec:
        worked_out.append(spec)
        return measure(spec)

    monkeypatch.setattr(lab, "resolve", noted)
    known = ResultCache([lab], None)
    assert worked_out == []

    def find(spec: EditSpec) -> bool:
        found = known.find(lab, spec, measure(spec))
        return found is not None and found.precomputed and found.spec == spec

    assert find(EditSpec.lines("digits", 0.5))
    assert [spec.checkpoint for spec in worked_out] == ["digits"] * 2
    assert find(EditSpec.pretrained("digits")), "measured with another checkpoint, and the same"
    assert [spec.checkpoint for spec in worked_out] == ["digits"] * 2 + ["faces"] * 2
    assert find(EditSpec.finetuned("faces"))
    assert not find(EditSpec.lines("faces", 0.5))
    assert len(worked_out) == 4
    assert find(EditSpec.finetuned("objects"))
    assert len(worked_out) == 5
    assert len(known) == 4


def test_an_evaluation_that_the_lab_cannot_answer_is_not_shown(
    shipping: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(shipping, tmp_path / "lab"))
    path = folder / "sweeps" / "a.json"
    plain = json.loads(path.read_text())
    plain[0]["spec"] |= {"shape": "free", "free_form": [1.0], "alpha": 1.0}
    path.write_text(json.dumps(plain))
    studio = Studio(folder, None, chunk=CHUNK)
    with caplog.at_level(logging.WARNING):
        assert studio.cached(EditSpec.finetuned("digits")) is None
    assert "A shipped evaluation is not shown: free_form has 1 scales" in caplog.text
    assert studio.cached(EditSpec.lines("digits", 0.5)) is not None


def test_a_damaged_file_is_found_at_the_start(shipping: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipping, tmp_path / "lab"))
    (folder / "sweeps" / "b.json").write_text("[{}]")
    with pytest.raises(LabError, match=r"b\.json is not a list of evaluations"):
        Studio(folder, None)


def test_says_where_it_keeps_things_and_why_not(lab: Path, tmp_path: Path) -> None:
    embedded = Studio(lab, None, chunk=CHUNK).lab
    memory = ResultCache([embedded], None)
    assert (memory.path, memory.problem, len(memory)) == (None, "", 0)
    disk = ResultCache([embedded], tmp_path / "cache" / "results.sqlite")
    assert (disk.path, disk.problem) == (tmp_path / "cache" / "results.sqlite", "")
    disk.close()
    (tmp_path / "file").write_text("in the way")
    blocked = ResultCache([embedded], tmp_path / "file" / "results.sqlite")
    assert blocked.problem == "File exists"
    spec = EditSpec.finetuned("digits")
    evaluation = Studio(lab, None, chunk=CHUNK).evaluate(spec)
    blocked.add(embedded, embedded.resolve(spec), evaluation)
    assert blocked.find(embedded, spec, embedded.resolve(spec)) == evaluation
    assert len(blocked) == 1
