"""Engine on this process's own device: one live encoder a lab, one thread for all chunks."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk
from evaluators.data.text_questions import TextQuestion
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.cpu_threads import use_all_cores
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.engine.counting import count_chunk
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.reserved_core import ReservedCore
from evaluators.labs.lab import Lab
from evaluators.labs.text_lab import TextLab
from evaluators.specs.resolved_spec import ResolvedSpec


class LocalEngine:
    """Counts on the lab's device. The caller sees to it that one chunk is counted at a time.

    Args:
        crowded: whether other requests wait just now; a model on the CPU then leaves a core to the server.
    """

    exclusive = True

    def __init__(self, crowded: Callable[[], bool]) -> None:
        self._crowded = crowded
        # Each thread that computes has OpenMP threads and memory of its own; only this one uses what follows.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._reserved: WeakKeyDictionary[LiveEncoder, ReservedCore] = WeakKeyDictionary()

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> "_LocalEdit":
        """As ``Engine.load``; the chunks may be counted in any order, and others too."""
        return _LocalEdit(self, lab, resolved)

    def _count(
        self, lab: Lab, resolved: ResolvedSpec, heads: Sequence[ClassifierHead], chunk: Chunk
    ) -> ChunkCounts:
        """Count a chunk. Thread: the one for all chunks."""
        batches = lab.batches(resolved.suite, resolved.split)
        use_all_cores()
        reserve = self._crowded() and lab.device.type == "cpu"
        reserved = self._reserved.setdefault(lab.encoder, ReservedCore())
        began = time.perf_counter()
        with (
            lab.encoder.invalidated_on_error(),
            reserved.counting(chunk.images) if reserve else nullcontext(),
        ):
            lab.encoder.write_edit(resolved.residual, resolved.scales)
            written = time.perf_counter()
            counted = count_chunk(lab, resolved, batches, chunk, heads)
        ended = time.perf_counter()
        return ChunkCounts(counted, written - began, ended - written, lab.device.type)

    def _encode(self, lab: Lab, resolved: ResolvedSpec, pixels: Tensor) -> Tensor:
        """Encode images of a visitor. Thread: the one for all chunks."""
        images = lab.images(resolved.suite, resolved.split)
        use_all_cores()
        with lab.encoder.invalidated_on_error():
            lab.encoder.write_edit(resolved.residual, resolved.scales)
            with torch.inference_mode():
                return lab.encoder.encode(images.normalise(pixels)).float()

    def _score(self, lab: TextLab, resolved: ResolvedSpec, questions: Sequence[TextQuestion]) -> Tensor:
        """Score the choices of questions. Thread: the one for all chunks."""
        use_all_cores()
        with lab.encoder.invalidated_on_error():
            lab.encoder.write_edit(resolved.residual, resolved.scales)
            return lab.scores(questions)


class _LocalEdit:
    """An edit that the live encoder carries whenever one of its chunks is counted."""

    def __init__(self, engine: LocalEngine, lab: Lab, resolved: ResolvedSpec) -> None:
        self._engine = engine
        self._lab = lab
        self._resolved = resolved
        self._heads: Sequence[ClassifierHead] = ()

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """As ``LoadedEdit.ready``: the residual is read or merged outside of the turn."""
        self._heads = self._heads or self._lab.heads_with_images(self._resolved)
        if not self._resolved.residual:
            return nullcontext()
        return self._lab.encoder.residuals.pinned(self._resolved.residual, check, patience)

    def count(self, chunk: Chunk) -> ChunkCounts:
        """As ``LoadedEdit.count``. Lock: the caller has the scheduler's turn."""
        engine = self._engine
        counting = engine._thread.submit(engine._count, self._lab, self._resolved, self._heads, chunk)
        return counting.result()

    def encode(self, pixels: Tensor) -> Tensor:
        """As ``EncodingEdit.encode``. Lock: the caller has the scheduler's turn."""
        engine = self._engine
        return engine._thread.submit(engine._encode, self._lab, self._resolved, pixels).result()

    def score(self, questions: Sequence[TextQuestion]) -> Tensor:
        """Scores (n, C) of the choices of questions. Lock, Raises: as ``count``; the lab is one of texts."""
        engine, lab = self._engine, self._lab
        assert isinstance(lab, TextLab)
        return engine._thread.submit(engine._score, lab, self._resolved, questions).result()

    def close(self) -> None:
        """Nothing goes on between chunks."""
