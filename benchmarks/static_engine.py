"""The browser's engine against Python's: equal predictions, time, size and memory.

Counts 1,600 test images for 56 edits of the shipped lab in Chromium and in Python, and lists the images that
the two classify differently with the margin between the best two classes.
"""

import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from evaluators.specs.edit_spec import EditSpec
from static.export.engine_folder import write_engine
from static.runtime import fetch_runtime
from tests.browser import driving
from tests.browser.engine_site import (
    OPEN,
    differences,
    open_lab,
    open_site,
    python_predictions,
    request_of,
    served,
)
from tests.paths import ASSETS, ROOT

CHECKPOINTS = "digits street_numbers textures satellite traffic_signs vehicles scenes faces".split()
TIMED = """async ({checkpoint, split, factors}) => {
    const start = performance.now(), given = {checkpoint, split, factors: Float32Array.from(factors)};
    let first, last;
    for await (const chunk of engine.count(given)) {
        first ??= performance.now() - start;
        last = chunk;
    }
    return {first, all: performance.now() - start, predicted: last.predicted.map((all) => Array.from(all))};
}"""
OPENED = f"""async () => {{
    const start = performance.now();
    await ({OPEN})();
    const opened = performance.now() - start;
    await engine.open("digits");
    return [opened, performance.now() - start];
}}"""


def edits(checkpoint: str) -> list[EditSpec]:
    """Seven edits of a checkpoint: of every shape, with mix and rules for the rest."""
    return [
        EditSpec.finetuned(checkpoint),
        EditSpec.lines(checkpoint, 0.1),
        EditSpec.lines(checkpoint, 0.5),
        EditSpec.wise_ft(checkpoint, 0.5),
        EditSpec(checkpoint=checkpoint, shape="sqrt", alpha=0.3, beta=0.7, outside="depth"),
        EditSpec(
            checkpoint=checkpoint, shape="quadratic", alpha=0.2, beta=0.8, outside="pretrained", mix=0.8
        ),
        EditSpec(checkpoint=checkpoint, shape="reverse", alpha=0.0, beta=1.0, outside="finetuned"),
    ]


def main() -> int:
    """Print the figures; 1 if Chromium or onnxruntime-web is absent."""
    from playwright.sync_api import sync_playwright

    path = driving.chromium()
    if path is None:
        print("There is no Chromium on PATH.")
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start = time.perf_counter()
        manifest = write_engine(
            ASSETS, folder / "engine", fetch_runtime(ROOT / ".cache"), cache=ROOT / ".cache"
        )
        total = sum(file["size"] for file in manifest["files"].values()) / 1e6
        print(f"written in {time.perf_counter() - start:.1f} s, {total:.1f} MB")
        with served(folder) as site, sync_playwright() as driver:
            chromium = driver.chromium.launch(executable_path=path, args=driving.ARGUMENTS)
            page, asked = open_site(chromium, site)
            _measure(page, asked, manifest)
            chromium.close()
    return 0


def _measure(page: Any, asked: list[str], manifest: dict[str, Any]) -> None:
    opened, with_checkpoint = page.evaluate(OPENED)
    print(f"opened in {opened:.0f} ms, with the first checkpoint {with_checkpoint:.0f} ms")
    print(f"downloaded by then {_megabytes(asked, manifest):.2f} MB")
    torch.set_num_threads(1)
    lab = open_lab(ASSETS, ROOT / ".cache")
    first: list[float] = []
    every: list[float] = []
    images = flipped = 0
    for checkpoint in CHECKPOINTS:
        for spec in edits(checkpoint):
            timed = page.evaluate(TIMED, request_of(lab, spec))
            if not every:
                print(f"first count {timed['first']:.0f} ms, {timed['all']:.0f} ms with all images")
                print(f"downloaded by then {_megabytes(asked, manifest):.2f} MB")
            first.append(timed["first"])
            every.append(timed["all"])
            predicted = python_predictions(lab, spec)
            images += sum(map(len, predicted))
            for one in differences(lab, spec, predicted, timed["predicted"]):
                flipped += 1
                print(f"{spec.checkpoint} {spec.shape} task {one.task} image {one.image}: {one.margin:.1e}")
        print(f"{checkpoint}: {renderer_memory():.0f} MB in the renderer", flush=True)
    print(f"{len(every)} edits, {images} predictions, {flipped} differ")
    print(f"first numbers: median {statistics.median(first):.0f} ms, worst {max(first):.0f} ms")
    print(f"1,600 images: median {statistics.median(every):.0f} ms, best {min(every):.0f} ms")


def _megabytes(asked: list[str], manifest: dict[str, Any]) -> float:
    """Size of the files asked for so far, the manifest and the modules among them."""
    names = {one.partition("/engine/")[2] for one in asked}
    return sum(float(file["size"]) for name, file in manifest["files"].items() if name in names) / 1e6


def renderer_memory() -> float:
    """Memory in MB that only the largest renderer of this process's Chromium has."""
    sizes = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            if "--type=renderer" in process.cmdline():
                sizes.append(float(process.memory_full_info().uss))
    return max(sizes) / 1e6
