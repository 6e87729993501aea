"""A forked worker counts a visitor's own task as this process does."""

from pathlib import Path

import pytest

from evaluators.engine import zero_gpu
from evaluators.engine.zero_gpu import ZeroGpuHost
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.evaluators.engine.forked_gpu import ForkedGpu, Refusal
from tests.own_images import add_task, folders, zipped


def test_a_task_that_is_younger_than_the_worker(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zero_gpu, "best_device", lambda: "cpu")
    images = zipped(tmp_path / "images.zip", folders({"a": 20, "b": 20}))
    spec = EditSpec.lines("digits", 0.3, images=0)
    gpu = ForkedGpu()
    try:
        with_worker = Studio(lab, None, chunk=12, zero_gpu=ZeroGpuHost(gpu, Refusal)).seen_by("anna")
        here = Studio(lab, None, chunk=12).seen_by("anna")
        with_worker.evaluate(spec)
        for session in (with_worker, here):
            add_task(session, images)
        found, expected = with_worker.evaluate(spec), here.evaluate(spec)  # the first: own images alone
        assert [(one.correct, one.n) for one in found.tasks] == [
            (one.correct, one.n) for one in expected.tasks
        ]
        assert found.predictions == expected.predictions
        assert with_worker.evaluate(spec, fresh=True).predictions == expected.predictions
        assert gpu.forks == 1
    finally:
        gpu.close()
