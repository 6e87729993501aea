"""Evaluation of many edits of one residual together, such as the cells of an alpha-beta map.

Edits with the same alpha share the beginning of the forward pass: their embeddings and block 1 are equal,
whatever beta is. Small encoders are bound by elementwise work and use two cores better as two encoders on a
thread each than as one encoder on two threads.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.cpu_threads import one_thread_per_worker
from evaluators.engine.counting import count_correct
from evaluators.engine.engine import Counted
from evaluators.errors import Cancelled
from evaluators.experiments.spread import POLL_SECONDS, run_spread
from evaluators.experiments.sweeps import run_sweep
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.resolved_spec import ResolvedSpec

MOST_TOGETHER = 4
"""Edits that share their beginnings at once: more would save little, and are all lost if they are stopped."""
YIELD_SECONDS = 0.3
"""Longest time that a worker waits for live requests before each chunk."""
Cell = tuple[EditSpec, ResolvedSpec]


@dataclass(frozen=True)
class _Inputs:
    """Images and classifier heads that a group of cells is counted on; shared by the workers."""

    lab: EmbeddedLab
    images: ImageBatches
    chunks: tuple[Chunk, ...]
    pixels: tuple[Tensor, ...]
    heads: tuple[ClassifierHead, ...]


def run_grid(
    studio: Studio,
    specs: Iterable[EditSpec],
    ticket: Ticket | None = None,
    cancelled: threading.Event | None = None,
    *,
    fresh: bool = False,
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """As ``run_sweep``, in any order; yields each point once it is complete, cached ones at once.

    On a cluster many are counted at once. Else points of an embedded lab on the CPU are counted on
    additional encoders, one a core, which leaves the live encoder free and gives priority to requests that
    wait for it. Other points, and those of a second grid at the same time, are evaluated one by one through
    the studio.

    Args, Raises: as ``run_sweep``.
    """
    missing = []
    for spec in dict.fromkeys(specs):
        cached = None if fresh else studio.cached(spec)
        if cached is None:
            missing.append(spec)
        else:
            yield spec, cached
    if studio.workers is not None:
        yield from run_spread(studio, missing, ticket, cancelled, fresh=fresh)
        return
    together = [spec for spec in missing if _on_additional_encoders(studio, spec)]
    counted = set()
    for spec, evaluation in _count_together(studio, together, ticket, cancelled):
        counted.add(spec)
        yield spec, evaluation
    others = [spec for spec in missing if spec not in counted]
    yield from run_sweep(studio, others, ticket, cancelled, fresh=fresh)


def _on_additional_encoders(studio: Studio, spec: EditSpec) -> bool:
    lab = studio.lab_of(spec.model)
    return isinstance(lab, EmbeddedLab) and lab.device.type == "cpu"


def _count_together(
    studio: Studio, specs: Sequence[EditSpec], ticket: Ticket | None, cancelled: threading.Event | None
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """Count specs of embedded labs, grouped by their beginnings; none if another grid has the cores."""
    cells = [(spec, _lab(studio, spec.model).resolve(spec)) for spec in specs]
    if not cells:
        return
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    with (
        one_thread_per_worker() as workers,
        ThreadPoolExecutor(max(1, workers), thread_name_prefix="grid") as pool,
    ):
        jobs = _jobs(studio, cells, workers)
        for _ in range(workers):
            pool.submit(_worker, jobs, results, stop, studio.busy)
        running, points = workers, 0
        try:
            while running:
                try:
                    result = results.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    pass
                else:
                    if isinstance(result, BaseException):
                        raise result
                    if result is None:
                        running -= 1
                    else:
                        spec, counted, seconds = result
                        yield spec, studio.record(spec, counted, seconds)
                        points += 1
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled(f"The sweep was cancelled after {points} points.")
                if ticket is not None:
                    ticket.check()
        finally:
            stop.set()


def _jobs(studio: Studio, cells: Sequence[Cell], workers: int) -> list[tuple[_Inputs, list[Cell]]]:
    """Edits that begin alike together: at most `MOST_TOGETHER`, and so few that all workers get some."""
    jobs: list[tuple[_Inputs, list[Cell]]] = []
    most = min(MOST_TOGETHER, math.ceil(len(cells) / max(1, workers)))
    for same_images in _grouped(cells, lambda spec: (spec.model, spec.suite, spec.split, spec.images)):
        inputs = _inputs(_lab(studio, same_images[0][1].model), same_images[0][1])
        for group in _grouped(
            same_images, lambda spec: (spec.residual, spec.scales.before, spec.scales.blocks[0])
        ):
            jobs += [(inputs, group[start : start + most]) for start in range(0, len(group), most)]
    return jobs


def _grouped(cells: Sequence[Cell], key: Callable[[ResolvedSpec], Any]) -> list[list[Cell]]:
    groups: dict[Any, list[Cell]] = {}
    for spec, resolved in cells:
        groups.setdefault(key(resolved), []).append((spec, resolved))
    return list(groups.values())


def _lab(studio: Studio, model: str) -> EmbeddedLab:
    lab = studio.embedded(model)
    assert lab is not None, f"{model} is not embedded"
    return lab


def _inputs(lab: EmbeddedLab, resolved: ResolvedSpec) -> _Inputs:
    images = lab.images(resolved.suite, resolved.split)
    chunks = images.chunks(resolved.images)
    return _Inputs(
        lab,
        images,
        chunks,
        tuple(images.normalised(chunk).clone() for chunk in chunks),
        lab.heads_with_images(resolved),
    )


def _worker(
    jobs: list[tuple[_Inputs, list[Cell]]],
    results: "queue.SimpleQueue[Any]",
    stop: threading.Event,
    busy: Callable[[], bool],
) -> None:
    """Count groups until there are none; puts each result, and None at the end or the exception."""
    try:
        encoder: TinyEncoder | None = None
        while not stop.is_set():
            try:
                inputs, group = jobs.pop()
            except IndexError:
                break
            if encoder is None or encoder.folder != inputs.lab.model_folder:
                encoder = inputs.lab.new_encoder()
            started = time.perf_counter()
            cells = _count_group(encoder, inputs, group, stop, busy)
            seconds = (time.perf_counter() - started) / len(group)
            for (spec, _), counted in zip(group, cells, strict=True):
                if len(counted) == len(inputs.chunks):
                    results.put((spec, counted, seconds))
        results.put(None)
    except BaseException as problem:  # noqa: BLE001 -- raised again where the results are read
        results.put(problem)


def _count_group(
    encoder: TinyEncoder,
    inputs: _Inputs,
    group: list[Cell],
    stop: threading.Event,
    busy: Callable[[], bool],
) -> list[list[Counted]]:
    """Counts of each cell, chunk by chunk; fewer chunks if it was stopped."""
    counted: list[list[Counted]] = [[] for _ in group]
    for chunk, pixels in zip(inputs.chunks, inputs.pixels, strict=True):
        tokens: Tensor | None = None
        for counts, (_, resolved) in zip(counted, group, strict=True):
            yield_to_live_requests(busy, stop)
            if stop.is_set():
                return counted
            encoder.write_edit(resolved.residual, resolved.scales)
            with torch.inference_mode():
                if tokens is None:
                    tokens = begin(encoder.loaded.clip.visual, pixels)
                features = finish(encoder.loaded.clip.visual, tokens)
                counts.append(count_correct(features, chunk, inputs.images, inputs.heads))
    return counted


def yield_to_live_requests(busy: Callable[[], bool], stop: threading.Event) -> None:
    """Wait while the live encoder is busy, but no longer than ``YIELD_SECONDS``."""
    until = time.monotonic() + YIELD_SECONDS
    while busy() and time.monotonic() < until and not stop.is_set():
        time.sleep(POLL_SECONDS / 10)


def begin(visual: Any, images: Tensor) -> Tensor:
    """The forward pass up to and with block 1, of open_clip's VisionTransformer 3.3 or timm's ConvNeXt."""
    if hasattr(visual, "trunk"):
        first, channels_last = visual.trunk.stages[0], images.contiguous(memory_format=torch.channels_last)
        maps: Tensor = first.blocks[0](first.downsample(visual.trunk.stem(channels_last)))
        return maps
    tokens: Tensor = visual.transformer.resblocks[0](visual._embeds(images), attn_mask=None)
    return tokens


def finish(visual: Any, tokens: Tensor) -> Tensor:
    """The rest of the forward pass; after ``begin`` bit for bit the features of the whole pass."""
    if hasattr(visual, "trunk"):
        trunk = visual.trunk
        for step in (*trunk.stages[0].blocks[1:], *trunk.stages[1:], trunk.norm_pre, trunk.forward_head):
            tokens = step(tokens)
        return cast(Tensor, visual.head(tokens))
    for block in visual.transformer.resblocks[1:]:
        tokens = block(tokens, attn_mask=None)
    pooled, _ = visual._pool(tokens)
    features: Tensor = pooled @ visual.proj
    return features
