"""One visitor drags a setting of a merge of ViT-B/32, another moves a slider of one checkpoint meanwhile.

Random weights at full size from a local Hub. Each place of the drag is another merge, which takes seconds:
the other visitor should hardly notice, and of all merges only the last is wanted. Run with
``python -m benchmarks dragged_merge``.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.local_hub import local_hub

MODEL = "ViT-B-32"
TASKS = ("pcam", "svhn", "mnist", "gtsrb")
IMAGES, IMAGES = 60, 40
LOADING = 600.0
PLACES = 12
BETWEEN = 0.7
"""Seconds between two places where the slider rests for a moment."""
ALONE = 40
"""First numbers that are measured alone."""


def serve(root: Path) -> None:
    """Write the public repositories of one encoder with a checkpoint a task."""
    from evaluators.zoo import ENCODERS
    from tests.hub import repositories
    from tests.hub.server import Hub

    repositories.serve_zoo(Hub(root, 0), ENCODERS[MODEL], TASKS, IMAGES, ["tall-masks"])


def explore(cache: Path) -> None:
    """Load everything, then measure and print."""
    import torch

    from evaluators import EditSpec, Studio
    from evaluators.hub.load_request import LoadRequest
    from tests.paths import ASSETS

    studio = Studio(ASSETS, cache)
    job = studio.load(LoadRequest(model=MODEL, family="tall-masks", tasks=TASKS, images=IMAGES))
    if not job.wait(LOADING) or job.problem:
        raise SystemExit(f"The load did not end well: {job.problem}")
    keys = tuple(one.key for one in studio.checkpoints(MODEL))
    gammas = (number / 1000 for number in range(1, 1000))

    def moved() -> float:
        """Seconds to first numbers at a place where nobody has been."""
        spec = EditSpec.lines(keys[0], next(gammas), model=MODEL, images=IMAGES)
        began = time.perf_counter()
        studio.first(spec, studio.ticket("ben"))
        return time.perf_counter() - began

    moved()
    alone = [moved() for _ in range(ALONE)]
    began = time.perf_counter()
    studio.first(merged(keys, 0.99), studio.ticket("anna"))
    one_merge = time.perf_counter() - began

    told: list[float] = []
    drag = threading.Thread(target=dragged, args=(studio, keys, told))
    drag.start()
    beside = []
    while drag.is_alive():
        beside.append(moved())
    drag.join()
    studio.close()
    print(f"{torch.get_num_threads()} threads, {MODEL}, {len(keys)} checkpoints merged by TIES")
    row("first numbers of one checkpoint, alone: p50, longest", alone)
    row(f"the same while another drags over {PLACES} merges", beside)
    print(f"{'ratio of the medians':56} {statistics.median(beside) / statistics.median(alone):8.1f}")
    print(f"{'first numbers of one merge, alone':56} {one_merge:8.2f} s")
    print(f"{'the same where the drag ends, beside the other visitor':56} {told[-1]:8.2f} s")
    print(f"{'ratio':56} {told[-1] / one_merge:8.1f}")


def merged(keys: Sequence[str], density: float) -> Any:
    """The spec of one place of the drag."""
    from evaluators import EditSpec
    from evaluators.specs.merge_spec import MergeSpec

    merge = MergeSpec(tuple(keys), "ties", (("density", density),))
    return EditSpec.merged(merge, 0.2, 0.3, model=MODEL, images=IMAGES)


def dragged(studio: Any, keys: Sequence[str], told: list[float]) -> None:
    """Ask for place after place without waiting for answers; note how long first numbers take."""
    from evaluators.errors import Superseded

    def asked(answers: Iterator[Any]) -> None:
        began = time.perf_counter()
        try:
            next(answers)
            told.append(time.perf_counter() - began)
        except Superseded:
            return

    asking = []
    for number in range(PLACES):
        answers = studio.stream(merged(keys, 0.1 + number / 50), studio.ticket("anna"))
        asking.append(threading.Thread(target=asked, args=(answers,)))
        asking[-1].start()
        time.sleep(BETWEEN)
    for one in asking:
        one.join()


def row(what: str, seconds: Sequence[float]) -> None:
    """One line of the table."""
    print(f"{what:56} {statistics.median(seconds):8.2f} s {max(seconds):8.2f} s  (of {len(seconds)})")


def main() -> int:
    """Print the table; 0 if everything ran to its end."""
    with local_hub() as hub:
        hub.run("dragged_merge.serve(Path(sys.argv[1]) / 'served')")
        hub.run("dragged_merge.explore(Path(sys.argv[1]) / 'cache')")
    return 0


if __name__ == "__main__":
    sys.exit(main())
