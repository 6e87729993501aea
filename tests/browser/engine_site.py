"""Serves the engine of the static edition, opens it in a page, and counts the same in Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.engine.counting import count_chunk
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.predictions import unpack
from lines_cli import default_cache
from static.errors import RuntimeFilesError
from static.export.engine_folder import CHUNK
from static.runtime import fetch_runtime
from tests.browser import driving
from tests.browser.local_server import answering

NEAR_TIE = 1e-5
"""Difference of the best two cosines below which browser and Python may differ, as their features do."""
COUNT = """async ({checkpoint, split, factors}) => {
    let last;
    const given = {checkpoint, split, factors: Float32Array.from(factors)};
    for await (const chunk of engine.count(given)) last = chunk;
    return {...last, predicted: last.predicted.map((all) => Array.from(all))};
}"""
OPEN = """async () => {
    const {openEngine} = await import("./engine/open_engine.js");
    window.engine = await openEngine();
}"""


@dataclass
class Site:
    """A local server.

    Attributes:
        address: of its root, in which ``engine`` is a folder.
        faults: by path a status and a body to answer with in place of the file.
    """

    address: str
    faults: dict[str, tuple[int, bytes]] = field(default_factory=dict)


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    """Serve a folder until the block ends; nothing is cached, and its pages may use threads."""
    site = Site("")

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            status, body = site.faults.get(self.path, (200, b""))
            if self.path == "/":
                body = b"<!doctype html><title>engine</title>"
            elif self.path not in site.faults:
                super().do_GET()
                return
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-store")
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with answering(Handler) as address:
        site.address = f"{address}/"
        yield site


def runtime_archive() -> Path:
    """The archive of onnxruntime-web; skips, with the reason, where it cannot be had."""
    try:
        return fetch_runtime(default_cache())
    except RuntimeFilesError as error:
        pytest.skip(str(error))


def open_lab(folder: Path, cache: Path | None = None) -> EmbeddedLab:
    """The lab with the chunks that the browser has."""
    return EmbeddedLab(folder, cache, torch.device("cpu"), torch.float32, CHUNK)


def factors_of(spec: EditSpec, num_blocks: int) -> list[float]:
    """The L + 2 factors of an edit: before the first block, of the blocks, after the last."""
    scales = spec.scales(num_blocks)
    return [scales.before, *scales.blocks, scales.after]


def request_of(lab: EmbeddedLab, spec: EditSpec) -> dict[str, Any]:
    """What `COUNT` is asked for a spec."""
    checkpoint = spec.checkpoint if spec.merge is None else spec.merge.as_dict()
    factors = factors_of(spec, lab.info.num_blocks)
    return {"checkpoint": checkpoint, "split": spec.split, "factors": factors}


def python_predictions(lab: EmbeddedLab, spec: EditSpec) -> list[list[int]]:
    """Predicted class of each image by task, as the Python engine counts them."""
    resolved = lab.resolve(spec)
    heads, images = lab.heads_with_images(resolved), lab.images(resolved.suite, resolved.split)
    predicted: list[list[int]] = [[] for _ in heads]
    for chunk in images.chunks(resolved.images):
        packed = count_chunk(lab, resolved, images, chunk, heads).predictions
        for part in chunk.parts:
            predicted[part.task] += unpack(packed[part.task], part.stop - part.start)
    return predicted


@dataclass(frozen=True)
class Difference:
    """An image of which the browser says something else than Python.

    Attributes:
        task, image: positions.
        margin: between the cosines of the best two classes in Python.
    """

    task: int
    image: int
    margin: float


def differences(
    lab: EmbeddedLab, spec: EditSpec, python: Sequence[Sequence[int]], browser: Sequence[Sequence[int]]
) -> list[Difference]:
    """The images whose predictions differ. Raises: ValueError if other numbers of images were counted."""
    resolved = lab.resolve(spec)
    heads, images = lab.heads_with_images(resolved), lab.images(resolved.suite, resolved.split)
    found = []
    for task, pair in enumerate(zip(python, browser, strict=True)):
        for image, (left, right) in enumerate(zip(*pair, strict=True)):
            if left != right:
                chunk = next(
                    one for one in images.chunks(resolved.images)
                    if any(part.task == task and part.start <= image < part.stop for part in one.parts)
                )  # fmt: skip
                (part,) = (part for part in chunk.parts if part.task == task)
                pixels = images.pixels(part)[image - part.start : image - part.start + 1]
                lab.encoder.write_edit(resolved.residual, resolved.scales)
                best = _cosines(lab, heads[task], images.normalise(pixels)).topk(2).values
                found.append(Difference(task, image, float(best[0] - best[1])))
    return found


def _cosines(lab: EmbeddedLab, head: ClassifierHead, image: Tensor) -> Tensor:
    with torch.inference_mode():
        features = lab.encoder.encode(image)
    return head.logits(features / features.norm())[0]


def open_engine(browser: Any, site: Site) -> tuple[Any, list[str]]:
    """A page with the engine as ``window.engine``, and the addresses that it has asked for so far."""
    page, asked = open_site(browser, site)
    page.evaluate(OPEN)
    return page, asked


def open_site(browser: Any, site: Site) -> tuple[Any, list[str]]:
    """A page of the site without an engine, and the addresses that it has asked for so far."""
    page = driving.patient(browser.new_context().new_page())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.address)
    return page, asked
