import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from evaluators.specs.gamma_grid import STEPS, GridLine, grid_path, read_grid, save_grid, tied_specs

TITLES = {"digits": "Digits", "faces": "Faces"}
TRUTH = {"digits": (3, 31), "faces": (0, 1)}


def measured() -> list[Evaluation]:
    """One right digit more with each step; the first face is always right, the second from gamma = 0.5 on."""
    found = []
    for step, spec in enumerate(tied_specs("digits", "sqrt", "val", 200)):
        tasks = (
            TaskResult("digits", "Digits", "target", step, 150),
            TaskResult("faces", "Faces", "control", 2, 3),
        )
        predictions = (bytes([3, 7] + [0] * 148), bytes([0, int(step >= 50), 1]))
        found.append(
            Evaluation(spec, tasks, True, 0.5, "float32", "cpu", predictions=predictions),
        )
    return found


def test_specs_are_tied_and_a_hundredth_apart() -> None:
    specs = tied_specs("digits", "quadratic", "val", 200)
    assert len(specs) == STEPS + 1
    assert specs[30] == EditSpec("tiny-clip", "digits", "quadratic", 0.3, 0.7, split="val")


def test_a_line_gives_back_what_it_was_made_of(tmp_path: Path) -> None:
    path, evaluations = grid_path(tmp_path, "sqrt", "val"), measured()
    save_grid(path, {"digits": GridLine.of("abc", evaluations, TRUTH)})
    line = read_grid(path)["digits"]
    assert (path.name, line.made_with) == ("sqrt-val.json.gz", "abc")
    for step in (0, 37, 100):
        wanted = replace(evaluations[step], precomputed=True, predictions=None)
        assert line.evaluation(evaluations[step].spec, step, TITLES) == wanted
    few = line.pictured(evaluations[49].spec, 49, TITLES)
    assert (few.predictions, few.complete, few.precomputed) == ((b"\x03\x07", b"\x00\x00"), False, True)
    assert [(task.correct, task.n) for task in few.tasks] == [(1, 2), (1, 2)]
    assert line.pictured(evaluations[50].spec, 50, TITLES).tasks[1].correct == 2


def test_a_browser_can_read_the_file(tmp_path: Path) -> None:
    """Plain JSON under gzip: rows of counts, and a digit of base 36 a predicted class."""
    path = tmp_path / "grid.json.gz"
    save_grid(path, {"digits": GridLine.of("abc", measured(), TRUTH)})
    plain = json.loads(gzip.decompress(path.read_bytes()))["digits"]
    assert plain["correct"]["digits"] == list(range(101))
    assert plain["truth"] == {"digits": "3v", "faces": "01"}
    assert plain["predicted"]["faces"] == ["0" * 101, "0" * 50 + "1" * 51]
    assert plain["images"] == {"digits": 150, "faces": 3}


def test_files_that_are_absent_or_damaged_differ(tmp_path: Path) -> None:
    assert read_grid(tmp_path / "absent.json.gz") == {}
    line = GridLine.of("abc", measured(), TRUTH)
    save_grid(tmp_path / "whole.json.gz", {"digits": line})
    whole = (tmp_path / "whole.json.gz").read_bytes()
    cut = json.loads(gzip.decompress(whole))
    cut["digits"]["correct"]["faces"].pop()
    damaged = (b"", b"no gzip", whole[:-20], *(gzip.compress(text) for text in (b"{", b"[1]", b'{"a": 1}')))
    for content in (*damaged, gzip.compress(json.dumps(cut).encode())):
        (tmp_path / "grid.json.gz").write_bytes(content)
        with pytest.raises(EvaluationError, match=r"is not a gamma grid|have 101 positions"):
            read_grid(tmp_path / "grid.json.gz")


def test_a_line_is_made_of_whole_evaluations_with_predictions() -> None:
    evaluations = measured()
    for broken in (replace(evaluations[5], complete=False), replace(evaluations[5], predictions=None)):
        with pytest.raises(EvaluationError, match="complete evaluations with predictions"):
            GridLine.of("abc", [*evaluations[:5], broken, *evaluations[6:]], TRUTH)
    with pytest.raises(EvaluationError, match="101 positions"):
        GridLine.of("abc", evaluations[1:], TRUTH)
    with pytest.raises(EvaluationError, match="36 classes"):
        GridLine.of("abc", evaluations, {**TRUTH, "digits": (3, 36)})
