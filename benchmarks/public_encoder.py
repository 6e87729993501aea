"""Load time, slider latency and memory of a full-size CLIP ViT-B/32 with random weights from a local Hub.

The Hub, the writer of its files and the explorer are separate processes. "Cold" downloads everything over the
loopback and makes the heads; "warm" is the next start of the app, with its caches.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.local_hub import local_hub

MODEL = "ViT-B-32"
TASKS_WITH_CHECKPOINTS = 2
PUBLISHED_IMAGES = 600
IMAGES = 256
MOVE_IMAGES = 32
ROUNDS = 3
LOADING = 120.0
OVERHEAD = 800e6
"""Limit of the explorer's memory beyond weights and images, in bytes."""
ROOT = Path(__file__).parents[1]


def serve(root: Path) -> None:
    """Write the public repositories: the encoder, eight tasks, and checkpoints for the first of them."""
    from evaluators.zoo import BENCHMARKS, ENCODERS, TASKS
    from tests.hub import repositories
    from tests.hub.server import Hub

    hub, encoder = Hub(root, 0), ENCODERS[MODEL]
    pretrained = repositories.random_clip(encoder)
    repositories.serve_encoder(hub, encoder, pretrained)
    for number, key in enumerate(BENCHMARKS[8]):
        repositories.serve_images(hub, TASKS[key], PUBLISHED_IMAGES, seed=number, side=224)
        if number < TASKS_WITH_CHECKPOINTS:
            weights = repositories.finetuned(pretrained, seed=number)
            repositories.serve_tall_masks(hub, encoder, TASKS[key], weights)


def explore(cache: Path, measure: str) -> None:
    """One start of the explorer: load, count the first chunk, and when warm, move the slider."""
    begin = time.perf_counter()
    import torch

    from evaluators import EditSpec, Studio
    from evaluators.hub.hub_lab import HubLab
    from evaluators.hub.load_request import LoadRequest

    studio = Studio(ROOT / "assets", cache)
    job = studio.load(LoadRequest(model=MODEL, images=IMAGES))
    if not job.wait(10 * LOADING) or job.problem:
        raise SystemExit(f"The load did not end well: {job.problem}")
    loaded = time.perf_counter() - begin
    spec = EditSpec.lines(studio.checkpoints(MODEL)[0].key, 0.4, model=MODEL, images=0)
    studio.first(spec)
    first = time.perf_counter() - begin
    row(f"{measure}: start of the process to loaded", f"{loaded:.1f} s", "")
    row(f"{measure}: to first accuracy", f"{first:.1f} s", "<= 25 s" if measure == "warm" else "")
    if measure == "cold":
        return
    lab = studio.lab_of(MODEL)
    assert isinstance(lab, HubLab)
    row(
        "precision and images at a time, as measured",
        f"{lab.dtype}, {lab.chunk}".removeprefix("torch."),
        "",
    )
    batches_of = lab.images("tasks", "test")
    batches = [batches_of.normalised(chunk).clone() for chunk in batches_of.chunks(MOVE_IMAGES)]
    ratios = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        with torch.inference_mode():
            for batch in batches:
                lab.encoder.encode(batch)
        bare = time.perf_counter() - began
        began = time.perf_counter()
        studio.evaluate(replace(spec, alpha=0.31 + number / 100, images=MOVE_IMAGES))
        ratios.append((time.perf_counter() - began) / bare)
    row(
        f"one move over the bare forward pass, 8 x {MOVE_IMAGES}",
        f"{statistics.median(ratios):.2f}",
        "<= 1.15",
    )
    row("bare forward pass", f"{bare:.1f} s", "")
    weights = lab.info.parameters * (4 + 4 + torch.finfo(lab.dtype).bits // 8)
    splits = ("test", "val")
    image_bytes = sum(found.subsets[s].subset.images.nbytes for found in lab.loaded_tasks for s in splits)
    allowed = weights + image_bytes + OVERHEAD
    row("memory of the process at its peak", f"{peak() / 1e9:.2f} GB", f"<= {allowed / 1e9:.2f} GB")


def peak() -> float:
    """Peak resident memory of this process in bytes, mapped files included."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return 1024.0 * int(line.split()[1])
    return float("nan")


def row(what: str, value: str, target: str) -> None:
    """One line of the table."""
    print(f"{what:52} {value:>24} {target:>12}".rstrip(), flush=True)


def main() -> int:
    """Print the table."""
    with local_hub() as hub:
        hub.run("public_encoder.serve(Path(sys.argv[1]) / 'served')")
        for measure in ("cold", "warm"):
            hub.run(f"public_encoder.explore(Path(sys.argv[1]) / 'cache', {measure!r})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
