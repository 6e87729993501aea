"""Many edits of one residual measured together, such as the cells of an alpha-beta map.

Edits that begin alike share the beginning of the forward pass: cells with the same alpha have the same
embeddings and the same block 1, whatever beta is. And small encoders, which are bound by elementwise work,
use two cores better as two encoders on a thread each than as one on two.
"""

import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.cpu_threads import one_each
from evaluators.engine.counting import count_correct
from evaluators.errors import Cancelled
from evaluators.experiments.sweeps import run_sweep
from evaluators.labs.embedded_lab import EmbeddedLab, TinyEncoder
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.resolved_spec import ResolvedSpec

LOOK = 0.1
"""Seconds between two looks at whether a map is still wanted."""
GIVE_WAY = 0.3
"""Seconds that a worker waits at most, before each chunk, for those who wait for the live model."""
_NOTHING = object()
Asked = threading.Event | Callable[[], bool] | None
Cell = tuple[EditSpec, ResolvedSpec]


@dataclass(frozen=True)
class _Work:
    """Images and heads of all cells, as every worker reads them."""

    lab: EmbeddedLab
    images: ImageBatches
    chunks: tuple[Chunk, ...]
    inputs: tuple[Tensor, ...]
    heads: tuple[ClassifierHead, ...]


def run_grid(
    studio: Studio,
    specs: Iterable[EditSpec],
    visitor: Hashable | None = None,
    cancelled: Asked = None,
    *,
    fresh: bool = False,
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """As ``run_sweep``, in any order: each point once it is complete, known points at once.

    The embedded lab on the CPU is measured on encoders of their own, one a core, so the live one stays free,
    and visitors who wait for it come first. Anything else is measured point by point through the studio, and
    so is a second map while one is measured.

    Args, Raises: as ``run_sweep``.
    """
    wanted = list(dict.fromkeys(specs))
    known = [] if fresh else [(spec, found) for spec in wanted if (found := studio.cached(spec)) is not None]
    yield from known
    there = {spec for spec, _ in known}
    missing = [spec for spec in wanted if spec not in there]
    shared = set()
    for spec, evaluation in _shared(
        studio, [s for s in missing if _can_share(studio, s)], visitor, cancelled
    ):
        shared.add(spec)
        yield spec, evaluation
    others = [spec for spec in missing if spec not in shared]
    yield from run_sweep(studio, others, visitor, cancelled, fresh=fresh)


def _can_share(studio: Studio, spec: EditSpec) -> bool:
    lab = studio.lab_of(spec.model)
    return isinstance(lab, EmbeddedLab) and lab.device.type == "cpu"


def _shared(
    studio: Studio, specs: Sequence[EditSpec], visitor: Hashable | None, cancelled: Asked
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """Measure specs of the embedded lab, those that begin alike together; none if the cores are taken."""
    ticket = studio.announce(visitor)
    cells = [(spec, studio.lab.resolve(spec)) for spec in specs]
    jobs: list[tuple[_Work, list[Cell]]] = []
    for images in _grouped(cells, lambda one: (one.suite, one.split, one.images)):
        work = _work(studio.lab, images[0][1])
        beginnings = _grouped(images, lambda one: (one.residual, one.scales.before, one.scales.blocks[0]))
        jobs += [(work, group) for group in beginnings]
    if not jobs:
        return
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    asked = cancelled.is_set if isinstance(cancelled, threading.Event) else cancelled
    with one_each() as workers, ThreadPoolExecutor(max(1, workers), thread_name_prefix="map") as pool:
        for _ in range(workers):
            pool.submit(_worker, jobs, results, stop, studio.busy)
        running, told = workers, 0
        try:
            while running:
                try:
                    result = results.get(timeout=LOOK)
                except queue.Empty:
                    result = _NOTHING
                if asked is not None and asked():
                    raise Cancelled(f"The sweep was cancelled after {told} points.")
                ticket.check()
                if result is _NOTHING:
                    continue
                if isinstance(result, BaseException):
                    raise result
                if result is None:
                    running -= 1
                    continue
                spec, correct, seconds = result
                yield spec, studio.record(spec, correct, seconds)
                told += 1
        finally:
            stop.set()


def _grouped(cells: Sequence[Cell], by: Callable[[ResolvedSpec], Any]) -> list[list[Cell]]:
    groups: dict[Any, list[Cell]] = {}
    for spec, resolved in cells:
        groups.setdefault(by(resolved), []).append((spec, resolved))
    return list(groups.values())


def _work(lab: EmbeddedLab, resolved: ResolvedSpec) -> _Work:
    images = lab.images(resolved.suite, resolved.split)
    chunks = images.chunks(resolved.images)
    return _Work(
        lab,
        images,
        chunks,
        tuple(images.normalised(chunk).clone() for chunk in chunks),
        lab.heads_counted(resolved),
    )


def _worker(
    jobs: list[tuple[_Work, list[Cell]]],
    results: "queue.SimpleQueue[Any]",
    stop: threading.Event,
    busy: Callable[[], bool],
) -> None:
    """Take groups until there are none; says None at the end, or what went wrong."""
    try:
        encoder: TinyEncoder | None = None
        while not stop.is_set():
            try:
                work, group = jobs.pop()
            except IndexError:
                break
            encoder = encoder or work.lab.another_encoder()
            began = time.perf_counter()
            counted = _count_group(encoder, work, group, stop, busy)
            seconds = (time.perf_counter() - began) / len(group)
            for (spec, _), correct in zip(group, counted, strict=True):
                if len(correct) == len(work.chunks):
                    results.put((spec, correct, seconds))
        results.put(None)
    except BaseException as problem:  # noqa: BLE001 -- it is raised again where the results are read
        results.put(problem)


def _count_group(
    encoder: TinyEncoder,
    work: _Work,
    group: list[Cell],
    stop: threading.Event,
    busy: Callable[[], bool],
) -> list[list[tuple[int, ...]]]:
    """Correct images a task of each cell, chunk by chunk; fewer chunks if it was stopped."""
    counted: list[list[tuple[int, ...]]] = [[] for _ in group]
    for chunk, inputs in zip(work.chunks, work.inputs, strict=True):
        begun: Tensor | None = None
        for place, (_, resolved) in enumerate(group):
            _give_way(busy, stop)
            if stop.is_set():
                return counted
            encoder.carry(resolved.residual, resolved.scales)
            with torch.inference_mode():
                if begun is None:
                    begun = begin(encoder.loaded.clip.visual, inputs)
                features = finish(encoder.loaded.clip.visual, begun)
                counted[place].append(count_correct(features, chunk, work.images, work.heads))
    return counted


def _give_way(busy: Callable[[], bool], stop: threading.Event) -> None:
    """Wait while visitors wait for the live model, but not for ever."""
    until = time.monotonic() + GIVE_WAY
    while busy() and time.monotonic() < until and not stop.is_set():
        time.sleep(LOOK / 10)


def begin(visual: Any, images: Tensor) -> Tensor:
    """The forward pass up to and with block 1, of open_clip's VisionTransformer 3.3."""
    tokens: Tensor = visual.transformer.resblocks[0](visual._embeds(images), attn_mask=None)
    return tokens


def finish(visual: Any, tokens: Tensor) -> Tensor:
    """The rest of it: with ``begin`` the same operations on the same numbers as the whole pass."""
    for block in visual.transformer.resblocks[1:]:
        tokens = block(tokens, attn_mask=None)
    pooled, _ = visual._pool(tokens)
    features: Tensor = pooled @ visual.proj
    return features
