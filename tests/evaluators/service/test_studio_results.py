"""What the studio keeps: results on disk, shipped evaluations, and what is read for them."""

import json
import logging
import threading
from pathlib import Path

import pytest

from evaluators.errors import LabError
from evaluators.experiments.sweeps import save_precomputed
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.conftest import CHUNK
from tests.evaluators.service.measured_specs import SPECS, counts


def test_results_survive_a_restart(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Studio(lab, tmp_path, chunk=CHUNK).evaluate(spec) for spec in SPECS[:2]]
    again = Studio(lab, tmp_path, chunk=CHUNK)
    monkeypatch.setattr(again.lab.encoder, "encode", None)
    assert [again.cached(spec) for spec in SPECS[:2]] == answers
    assert again.cached(SPECS[2]) is None


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00 no more", b"Dear diary" * 1000])
def test_a_damaged_store_never_breaks_evaluation(lab: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.sqlite").write_bytes(content)
    studio = Studio(lab, tmp_path, chunk=CHUNK)
    answer = studio.evaluate(SPECS[0])
    assert answer.complete
    assert studio.cached(SPECS[0]) == answer


def test_results_of_another_lab_are_not_shown(own_lab: Path, tmp_path: Path) -> None:
    """Whatever decides a number is in its key: weights, images, prompts; a reworded title is not."""
    finetuned, pretrained = EditSpec.finetuned("digits"), EditSpec.pretrained("digits")
    cache = tmp_path / "cache"

    def known() -> tuple[bool, bool, str]:
        studio = Studio(own_lab, cache, chunk=CHUNK)
        return (
            studio.cached(finetuned) is not None,
            studio.cached(pretrained) is not None,
            studio.lab.fingerprint(),
        )

    def measure() -> str:
        studio = Studio(own_lab, cache, chunk=CHUNK)
        studio.evaluate(finetuned), studio.evaluate(pretrained)
        return studio.lab.fingerprint()

    def rewrite_tasks(field: str, value: object) -> None:
        path = own_lab / "eval" / "tasks.json"
        plain = json.loads(path.read_text())
        plain["tasks"][1][field] = value
        path.write_text(json.dumps(plain))

    seen = {measure()}
    rewrite_tasks("title", "Cloth")
    assert known() == (True, True, *seen)

    rewrite_tasks("prompts", ["a {}."])
    assert known()[:2] == (False, False)
    seen.add(measure())

    checkpoint = own_lab / "tiny_clip" / "finetuned" / "digits.safetensors"
    checkpoint.write_bytes((checkpoint.parent / "faces.safetensors").read_bytes())
    assert known()[:2] == (False, True)
    seen.add(measure())

    images = own_lab / "eval" / "faces-test.parquet"
    images.write_bytes((own_lab / "eval" / "faces-val.parquet").read_bytes())
    assert known()[:2] == (False, False)
    seen.add(measure())
    assert len(seen) == 4


def test_shipped_evaluations_are_marked_precomputed(
    own_lab: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    specs = [EditSpec.finetuned("digits"), EditSpec.pretrained("digits")]
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec) for spec in specs])

    studio = Studio(own_lab, tmp_path / "cache", chunk=CHUNK)
    shipped = studio.cached(specs[0])
    assert shipped is not None
    assert shipped.precomputed
    assert counts(shipped) == counts(maker.evaluate(specs[0]))
    pretrained = studio.cached(EditSpec.pretrained("faces"))
    assert pretrained is not None
    assert pretrained.target_task.key == "faces"

    measured = studio.evaluate(specs[0], fresh=True)
    assert not measured.precomputed
    assert counts(measured) == counts(shipped)
    assert studio.cached(specs[0]) == measured
    assert not caplog.text


def test_shipped_evaluations_of_another_lab_are_not_shown(
    own_lab: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(
        maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(EditSpec.finetuned("digits"))]
    )
    checkpoint = own_lab / "tiny_clip" / "finetuned" / "faces.safetensors"
    checkpoint.write_bytes((checkpoint.parent / "digits.safetensors").read_bytes())
    with caplog.at_level(logging.WARNING):
        studio = Studio(own_lab, None, chunk=CHUNK)
    assert "made with another lab" in caplog.text
    assert studio.cached(EditSpec.finetuned("digits")) is None


def test_damaged_shipped_evaluations_are_named(own_lab: Path) -> None:
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [])
    (own_lab / "sweeps" / "more.json").write_text('[{"spec": {}}]')
    with pytest.raises(LabError, match=r"more\.json is not a list of evaluations"):
        Studio(own_lab, None)


def test_cached_answers_need_no_model(own_lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page opens on shipped answers while the model and its images are still being read."""
    spec = EditSpec.finetuned("digits")
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec)])
    for name in ("TinyEncoder", "load_subset"):
        monkeypatch.setattr(f"evaluators.labs.embedded_lab.{name}", None)
    studio = Studio(own_lab, tmp_path / "cache", chunk=CHUNK)
    assert studio.first(spec).complete
    assert studio.models()[0].num_blocks == 4
    with pytest.raises(TypeError):
        studio.warm_up()


def test_cached_answers_do_not_wait_for_the_model(own_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EditSpec.finetuned("digits")
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec)])
    studio = Studio(own_lab, None, chunk=CHUNK)
    begun, finish = threading.Event(), threading.Event()

    def slow(*args: object) -> None:
        begun.set()
        finish.wait(120)
        raise LabError("stopped")

    def load() -> None:
        with pytest.raises(LabError, match="stopped"):
            studio.warm_up()

    monkeypatch.setattr("evaluators.labs.embedded_lab.TinyEncoder", slow)
    loading = threading.Thread(target=load)
    loading.start()
    assert begun.wait(60)
    answer: list[Evaluation] = []
    asking = threading.Thread(target=lambda: answer.append(studio.first(spec)))
    asking.start()
    asking.join(60)
    in_time = list(answer)
    finish.set()
    loading.join()
    asking.join()
    assert in_time
    assert in_time[0].complete


def test_after_a_warm_up_nothing_is_read(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.warm_up()
    for name in ("TinyEncoder", "load_subset", "zero_shot_head"):
        monkeypatch.setattr(f"evaluators.labs.embedded_lab.{name}", None)
    assert studio.evaluate(EditSpec.pretrained("digits", images=4)).complete
