"""Studio whose evaluations cost nothing: the real service over an engine that counts by a smooth formula.

It measures no model, so browser tests and the page benchmark can tell what the page costs apart from what a
forward pass costs. `chunk_seconds` makes it slow on purpose.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, ImageBatches, TaskSlice
from evaluators.data.image_subset import subset_path
from evaluators.data.task_list import Task
from evaluators.engine.engine import ChunkCounts, Counted
from evaluators.errors import SpecError
from evaluators.hub.public_loader import PublicLoader
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import CheckpointInfo, Lab
from evaluators.labs.variant import Variant
from evaluators.service.engines import Engines
from evaluators.service.loaded_models import LoadedModels
from evaluators.service.request_stats import ServiceStatus
from evaluators.service.result_cache import ResultCache
from evaluators.service.scheduler import Scheduler, Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult, task_role
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.predictions import pack
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of
from lines_core.merging import MergingAlpha
from tests.paths import ROOT

ASSETS = ROOT / "assets"
IMAGES = 400


class ZeroCostStudio(Studio):
    """Counts by formula.

    Args:
        chunk_seconds: time each chunk takes.
        chunks: partial answers an evaluation is made of.
        fail_at: raises SpecError when alpha is exactly this, to see what the page does then.
        warm: specs are known without being measured, as with shipped sweeps.
    """

    def __init__(
        self, chunk_seconds: float = 0.0, chunks: int = 5, fail_at: float | None = None, warm: bool = True
    ) -> None:
        self.problem, self._hub_texts = "", {}
        lab = _FormulaLab(chunks, fail_at)
        loader = PublicLoader(Path(tempfile.gettempdir()) / "lines-without-hub", torch.device("cpu"))
        engine = FormulaEngine(chunk_seconds)
        LoadedModels.__init__(self, [lab], loader, None, None)
        self._connect(_Results(lab, warm), Scheduler(), Engines(engine, engine, engine))

    def merging_alpha(
        self, model: str, merge: MergeSpec, ticket: Ticket | None = None, patience: float | None = None
    ) -> MergingAlpha:
        """That of task arithmetic."""
        return MergingAlpha(1 / len(merge.checkpoints), 1.0, 1.0, len(merge.checkpoints))

    def status(self) -> ServiceStatus:
        """As it is, but for a problem that a test has set."""
        return replace(super().status(), problem=self.problem)


class FormulaEngine:
    """Implements ``Engine``: every edit is counted on its own, after ``chunk_seconds`` a chunk."""

    exclusive = False

    def __init__(self, chunk_seconds: float = 0.0) -> None:
        self.chunk_seconds = chunk_seconds

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> FormulaEdit:
        """As ``Engine.load``."""
        tasks = lab.tasks_with_images(resolved.suite, resolved.split)
        return FormulaEdit(resolved, tasks, self.chunk_seconds)


class FormulaEdit:
    """Implements ``LoadedEdit``."""

    def __init__(self, resolved: ResolvedSpec, tasks: Sequence[Task], chunk_seconds: float) -> None:
        self._resolved = resolved
        self._tasks = tasks
        self._seconds = chunk_seconds

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """There are no weights."""
        return nullcontext()

    def count(self, chunk: Chunk) -> ChunkCounts:
        """As many correct images as the chunk adds to those before it."""
        time.sleep(self._seconds)
        before = correct(self._resolved, self._tasks, chunk.parts[0].start)
        after = correct(self._resolved, self._tasks, chunk.parts[0].stop)
        added = tuple(b - a for a, b in zip(before, after, strict=True))
        parts = zip(added, self._tasks, strict=True)
        packed = tuple(_predictions(chunk.parts[0], right, len(task.classes)) for right, task in parts)
        return ChunkCounts(Counted(added, packed), 0.0, self._seconds, "cpu")

    def encode(self, pixels: Tensor) -> Tensor:
        """No features: this studio has no heads either."""
        return torch.zeros(len(pixels), 1)

    def close(self) -> None:
        """Nothing goes on."""


class _FormulaLab(EmbeddedLab):
    """The embedded lab's tasks and checkpoints, without the compared ones, weights and images."""

    def __init__(self, chunks: int, fail_at: float | None) -> None:
        super().__init__(ASSETS, None, torch.device("cpu"), torch.float32, chunks)
        self.folder = ASSETS / "without-sweeps"
        self.fail_at = fail_at
        self._present: dict[tuple[str, str], bool] = {}

    def compared(self) -> tuple[CheckpointInfo, ...]:
        return ()

    def variants(self) -> tuple[Variant, ...]:
        return ()

    def count(self, task: Task, split: str) -> int:
        if (task.key, split) not in self._present:
            self._present[task.key, split] = subset_path(ASSETS / "eval", task, split).is_file()
        return IMAGES if self._present[task.key, split] else 0

    def content_digests(self, resolved: ResolvedSpec) -> Sequence[str]:
        return ()

    def resolve(self, spec: EditSpec) -> ResolvedSpec:
        if self.fail_at is not None and spec.alpha == self.fail_at:
            raise SpecError(f"This test refuses alpha {self.fail_at:g}.")
        return super().resolve(spec)

    def images(self, suite: str, split: str) -> ImageBatches:
        return _Chunks(len(self.tasks_with_images(suite, split)), self.chunk)


class _Chunks(ImageBatches):
    """The images asked for in a given number of chunks, whose boundaries thus depend on how many they are."""

    def __init__(self, tasks: int, chunks: int) -> None:
        self._tasks = tasks
        self._chunks = chunks

    def counts(self, images: int) -> tuple[int, ...]:
        return (min(images, IMAGES),) * self._tasks

    def counts_after(self, chunks: int, images: int) -> tuple[int, ...]:
        return self.counts(max(1, images * chunks // self._chunks))

    def labels(self, part: TaskSlice) -> Tensor:
        return torch.arange(part.start, part.stop) % 2

    def pixels(self, part: TaskSlice) -> Tensor:
        return torch.full((part.stop - part.start, 3, 8, 8), 20 * part.task, dtype=torch.uint8)

    def chunks(self, images: int) -> tuple[Chunk, ...]:
        ends = [0, *(self.counts_after(chunk, images)[0] for chunk in range(1, self._chunks + 1))]
        return tuple(
            Chunk(tuple(TaskSlice(task, start, stop) for task in range(self._tasks)), whole=False)
            for start, stop in pairwise(ends)
        )


class _Results(ResultCache):
    """Results in memory; with ``warm`` also what a shipped sweep would hold."""

    def __init__(self, lab: EmbeddedLab, warm: bool) -> None:
        super().__init__([lab], None)
        self._warm = warm
        self._measured: set[EditSpec] = set()

    def add(self, lab: Lab, resolved: ResolvedSpec, evaluation: Evaluation, *, on_disk: bool = True) -> None:
        self._measured.add(evaluation.spec)
        super().add(lab, resolved, evaluation, on_disk=on_disk)

    def find(self, lab: Lab, spec: EditSpec, resolved: ResolvedSpec) -> Evaluation | None:
        if self._warm and _is_shipped(spec) and spec not in self._measured:
            tasks = lab.tasks_with_images(resolved.suite, resolved.split)
            counts = correct(resolved, tasks, resolved.images)
            results = tuple(
                TaskResult(task.key, task.title, task_role(task.key, spec), right, resolved.images)
                for task, right in zip(tasks, counts, strict=True)
            )
            return Evaluation(spec, results, True, 0.0, "float32", "cpu", precomputed=True)
        return super().find(lab, spec, resolved)


def _predictions(part: TaskSlice, right: int, classes: int) -> bytes:
    """The first images of a chunk are right."""
    numbers = range(part.start, part.stop)
    return pack([(number + (place >= right)) % 2 for place, number in enumerate(numbers)], classes)


def correct(resolved: ResolvedSpec, tasks: Sequence[Task], images: int) -> list[int]:
    """Correct ones of the first images per task, by formula."""
    targets = checkpoints_of(resolved.residual)
    return [
        round(images * _accuracy(resolved.scales.blocks, task.key in targets, index))
        for index, task in enumerate(tasks)
    ]


def _is_shipped(spec: EditSpec) -> bool:
    tenth = (
        abs(10 * spec.alpha - round(10 * spec.alpha)) < 1e-9
        and abs(10 * spec.mix - round(10 * spec.mix)) < 1e-9
    )
    if spec.shape == "flat":
        standard = spec.alpha in (0.0, 1.0)
    else:
        tied = abs(spec.alpha + spec.beta - 1) < 1e-9 or (spec.alpha, spec.beta) == (0.5, 0.5)
        standard = tied and spec.shape != "sqrt"
    return tenth and standard and spec.outside == ("depth" if spec.shape == "reverse" else "alpha")


def _accuracy(blocks: Sequence[float], target: bool, index: int) -> float:
    """Rises with the deep factors on the target, falls with the shallow ones on the controls."""
    half = len(blocks) // 2
    shallow, deep = (sum(part) / half for part in (blocks[:half], blocks[half:]))
    zero_shot = 0.42 + 0.035 * (index % 5)
    learned = max(0.0, 1.0 - (1.0 - min(0.25 * shallow + 0.75 * deep, 1.0)) ** 2.2)
    if target:
        value = zero_shot + (0.985 - zero_shot) * learned
    else:
        value = (
            zero_shot + 0.015 * deep - 0.03 * deep**3 - (0.07 + 0.02 * (index % 3)) * max(shallow, 0.0) ** 1.6
        )
    return float(min(max(value, 0.02), 0.995))
