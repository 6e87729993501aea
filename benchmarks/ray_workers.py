"""What a Ray worker costs: counts through it against counts in this process, and two workers against one.

Starts a cluster of this machine (loopback addresses, a head and a node of one core each) and ends it. Run by
``python -m benchmarks ray_workers``, or ``lines bench ray``.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from benchmarks.evaluate_edit import ASSETS
from evaluators import EditSpec, Studio
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.engine.ray_link import RayLink
from evaluators.experiments.spread import run_spread
from tests.cluster.ray_nodes import ENVIRONMENT, INSTALLED, RayNodes
from tests.waiting import WATCHDOG, soon

POSITIONS = 6
TURNS = 4
IMAGES = 200
B32_IMAGES = 32
"""Images a chunk of ViT-B/32 on a CPU."""


def main() -> int:
    """Print the figures; 1 if Ray or the lab is absent."""
    if not INSTALLED or not ASSETS.is_dir():
        print("not run: it needs Ray (requirements-ray.txt) and the shipped lab")
        return 1
    os.environ.update(ENVIRONMENT)
    nodes = RayNodes()
    try:
        nodes.start()
        torch.set_num_threads(1)
        with _pool(nodes, 1) as pool:
            alone, one = _paces("in this process, one core", "one worker of one core", pool)
            overhead = 1 / one - 1 / alone
            print(
                f"  overhead of a worker                   {100 * (alone / one - 1):8.1f} %    target <= 10"
            )
            chunk = _b32_seconds()
            per_chunk = overhead * 160
            share = 100 * per_chunk / chunk
            print(f"  the same of a ViT-B/32's chunk of {chunk:.2f} s {share:8.2f} %    target <= 2")
            print(f"  bytes an order {pool.sent['bytes'] / pool.sent['orders']:30.0f}      target <= 10,000")
        nodes.start()
        torch.set_num_threads(2)
        with _pool(nodes, 2) as pool:
            both, two = _paces("in this process, two cores", "two workers of one core each", pool)
        print(f"  two workers / one process of two cores {two / both:8.2f}      target >= 0.9")
        _first_result(nodes)
    finally:
        nodes.close()
    return 0


@contextmanager
def _pool(nodes: RayNodes, workers: int) -> Iterator[RayLink]:
    pool = RayLink(nodes.address, "cpu", 1)
    try:
        soon(lambda: pool.ready == workers, WATCHDOG)
        yield pool
    finally:
        pool.close()


def _paces(here: str, there: str, pool: RayLink) -> list[float]:
    """Images a second of sweeps in this process and on the workers, in turns.

    Before the first turn a few positions open everything in every worker.
    """
    specs = [
        EditSpec.lines("digits", 0.001 * number, mix=0.9, images=IMAGES)
        for number in range(4 + TURNS * POSITIONS)
    ]
    studios = [Studio(ASSETS, None), Studio(ASSETS, None, workers=pool)]
    seconds = [0.0, 0.0]
    for studio in studios:
        _sweep(studio, specs[:4])
    for first in range(4, len(specs), POSITIONS):
        for at, studio in enumerate(studios):
            seconds[at] += _seconds(partial(_sweep, studio, specs[first : first + POSITIONS]))
    lab = studios[0].lab
    images = sum(min(lab.count(task, "test"), IMAGES) for task in studios[0].tasks())
    paces = [TURNS * POSITIONS * images / taken for taken in seconds]
    for title, pace in zip((here, there), paces, strict=True):
        print(f"  {title:38} {pace:8.0f} images/s", flush=True)
    return paces


def _sweep(studio: Studio, specs: Sequence[EditSpec]) -> None:
    assert len(list(run_spread(studio, specs))) == len(specs)


def _b32_seconds() -> float:
    """Seconds of a chunk of ViT-B/32 with random weights, one core, in this process."""
    clip = import_open_clip().create_model("ViT-B-32")
    images = torch.zeros(B32_IMAGES, 3, 224, 224)
    with torch.inference_mode():
        clip.encode_image(images)
        return min(_seconds(lambda: clip.encode_image(images)) for _ in range(3))


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _first_result(nodes: RayNodes) -> None:
    """Time from `lines sweep` to the first position in the store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "cache" / "results.sqlite"
        written = (store, store.with_name(f"{store.name}-wal"))
        command = [
            sys.executable,
            "-m",
            "lines_cli",
            "sweep",
            "--gamma",
            "0:1:0.1",
            "--mix",
            "0.9",
            "--images",
            "200",
        ]
        command += [
            "--ray",
            nodes.address,
            "--ray-cores",
            "1",
            "--cache",
            str(store.parent),
            "--device",
            "cpu",
        ]
        began = time.perf_counter()
        sweep = subprocess.Popen(
            [*command, "-o", f"{folder}/sweep.parquet"], env=nodes.environment, text=True
        )
        try:
            soon(
                lambda: any(b"tiny-clip" in path.read_bytes() for path in written if path.exists()), WATCHDOG
            )
            took = time.perf_counter() - began
            print(f"  from `lines sweep` to the first result {took:8.1f} s    target <= 15")
        finally:
            sweep.kill()
            sweep.wait()


if __name__ == "__main__":
    sys.exit(main())
