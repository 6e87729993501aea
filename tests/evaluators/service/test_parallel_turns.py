"""Requests that are counted at the same time share their chunks as those that take turns do."""

import threading
from pathlib import Path

from evaluators.experiments.spread import run_spread
from evaluators.service.request_stats import RequestStats
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.conftest import CHUNK


def test_each_chunk_is_counted_once(lab: Path) -> None:
    """Two visitors at one position, in step, would each count all of it."""
    seen: list[RequestStats] = []
    studio = Studio(lab, None, chunk=CHUNK, observe=seen.append)
    studio._scheduler.resize(4)
    spec = EditSpec.lines("digits", 0.5)
    found = []
    start = threading.Barrier(4)

    def visit() -> None:
        start.wait()
        found.append(studio.evaluate(spec).tasks)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chunks = len(studio.lab.images("tasks", "test").chunks(200))
    assert sum(one.counted for one in seen) == chunks
    assert found == [Studio(lab, None, chunk=CHUNK).evaluate(spec).tasks] * 4


def test_a_spread_sweep_is_the_sweep(lab: Path) -> None:
    studio = Studio(lab, None, chunk=CHUNK)
    specs = [EditSpec.lines(key, gamma / 4, images=12) for key in ("digits", "faces") for gamma in range(5)]
    found = dict(run_spread(studio, specs))
    alone = Studio(lab, None, chunk=CHUNK)
    assert {spec: one.tasks for spec, one in found.items()} == {
        spec: alone.evaluate(spec).tasks for spec in specs
    }
