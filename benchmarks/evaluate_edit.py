"""One slider move at the server: the price of editing, chunking and counting over the bare forward pass.

Eight tasks x 200 images of the embedded lab on two threads; every move goes to a position nobody has
visited. The forward pass runs over the same images in the same chunks, normalised beforehand; the two are
measured in turn in one process. Run with ``python -m benchmarks evaluate_edit``.
"""

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from evaluators import EditSpec, LabError, Studio

THREADS = 2
ROUNDS = 15
IMAGES = 200
ASSETS = Path(__file__).parents[1] / "assets"


def seconds_of(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def forward(encode: Callable[[Tensor], Tensor], batches: list[Tensor]) -> None:
    """The bare forward pass: nothing but the image tower."""
    with torch.inference_mode():
        for batch in batches:
            encode(batch)


def row(what: str, seconds: list[float], target: str = "") -> None:
    """Print one line of the table: median and 95th percentile."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    line = f"  {what:44} {1000 * statistics.median(ordered):8.1f} ms   p95 {1000 * p95:8.1f} ms"
    print(f"{line}   {f'target {target}' if target else ''}".rstrip())


def measure(assets: Path, cache: Path, rounds: int = ROUNDS) -> None:
    """Measure one lab and print its rows. Raises: LabError if the lab's files are absent."""
    studio = Studio(assets, cache)
    checkpoint = studio.checkpoints()[0].key
    gammas = (number / 10_000 for number in itertools.count(1))

    def somewhere_new() -> EditSpec:
        return EditSpec.lines(checkpoint, next(gammas), images=IMAGES)

    opening = seconds_of(lambda: studio.first(somewhere_new()))
    images = studio.lab.images("tasks", "test")
    chunks = images.chunks(IMAGES)
    batches = [images.normalised(chunk).clone() for chunk in chunks]
    whole = [torch.cat(batches)]
    encode = studio.lab.encoder.encode

    bare: list[float] = []
    at_once: list[float] = []
    evaluated: list[float] = []
    first: list[float] = []
    final: list[float] = []
    revisited: list[float] = []
    restarted: list[float] = []
    visited: list[EditSpec] = []
    for _ in range(rounds):
        bare.append(seconds_of(lambda: forward(encode, batches)))
        evaluated.append(seconds_of(lambda: studio.evaluate(somewhere_new())))
        at_once.append(seconds_of(lambda: forward(encode, whole)))
        spec, started = somewhere_new(), time.perf_counter()
        studio.first(spec, studio.ticket("visitor"))
        first.append(time.perf_counter() - started)
        for _ in studio.stream(spec, studio.ticket("visitor")):
            pass
        final.append(time.perf_counter() - started)
        visited.append(spec)
        revisited.append(seconds_of(partial(studio.evaluate, spec)))
    again = Studio(assets, cache)
    again.cached(somewhere_new())  # reads the images
    for spec in visited:
        restarted.append(seconds_of(partial(again.evaluate, spec)))

    n = sum(images.counts(IMAGES))
    speed = n / statistics.median(bare)
    print(f"Tiny CLIP, {n} images in {len(chunks)} chunks, float32, {THREADS} threads: {speed:.0f} images/s")
    row("bare forward pass, same chunks", bare)
    row("bare forward pass, all images at once", at_once)
    row("evaluation: edit, forward, count, store", evaluated)
    ratio = statistics.median(evaluated) / statistics.median(bare)
    print(f"  {'evaluation / bare forward, same chunks':44} {ratio:8.2f}{'':23}target <= 1.15")
    row("first partial numbers", first, "<= 150 ms")
    row("final numbers", final, "<= 900 ms")
    row("revisited position", revisited, "<= 20 ms")
    row("revisited after a restart", restarted)
    print(f"  {'very first answer (images, heads, weights)':44} {1000 * opening:8.1f} ms")


def main() -> int:
    """Measure the lab that ships, or the one in the folder given; 1 if it is not there."""
    torch.set_num_threads(THREADS)
    assets = Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS
    with tempfile.TemporaryDirectory() as cache:
        try:
            measure(assets, Path(cache))
        except LabError as error:
            print(f"The lab is needed for this: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
