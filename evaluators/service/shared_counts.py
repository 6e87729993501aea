"""Requests, and the chunks that those for the same numbers have counted together."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from evaluators.data.image_batches import Chunk, TaskBatches
from evaluators.engine.engine import ChunkCounts, Counted
from evaluators.errors import Queued
from evaluators.labs.lab import Lab
from evaluators.service.request_stats import RequestStats
from evaluators.service.scheduler import Ticket
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult, task_role
from evaluators.specs.resolved_spec import ResolvedSpec

_POLL = 0.1
MOST_PREDICTION_BYTES = 1 << 18
"""Of an evaluation; predictions on more images are not kept."""


@dataclass(frozen=True)
class Request:
    """One accepted request.

    Args:
        lab: that answers it, as the visitor's session sees it.
        spec: as it was asked.
        resolved: what that means in the lab.
        private: whether a visitor's own checkpoint or task is in it, so that the answer is not kept on disk.
        ticket: says when the request is not wanted any more.
        known: what is known of the built-in tasks; ``lab`` and ``resolved`` are of the others alone then.
        whole: the request that this one is the missing part of.
    """

    lab: Lab
    spec: EditSpec
    resolved: ResolvedSpec
    private: bool = False
    ticket: Ticket = field(default_factory=Ticket)
    known: Evaluation | None = None
    whole: "Request | None" = None

    @property
    def names(self) -> frozenset[str]:
        """Keys of its checkpoints and of the tasks that are not built in."""
        own = self.lab.own_tasks(self.resolved.suite)
        return frozenset((*self.spec.sources, *(one.task.key for one in own)))


@dataclass
class Progress:
    """Whole chunks counted so far for one measurement, shared by all its requests; guarded by the runner.

    Args:
        names: of the request.
        begun: chunks that a request is counting just now, by number, each set once it is done.
    """

    names: frozenset[str] = frozenset()
    begun: dict[int, threading.Event] = field(default_factory=dict)
    counted: list[Counted] = field(default_factory=list)
    seconds: float = 0.0
    device: str = ""

    def begin(self, number: int) -> bool:
        """Count a chunk; whether nobody else is doing so. Like ``done``, for any thread without a lock."""
        begun = threading.Event()
        return self.begun.setdefault(number, begun) is begun

    def done(self, number: int) -> None:
        """End what ``begin`` has begun."""
        self.begun.pop(number).set()

    def await_others(self, number: int, check: Callable[[], None], patience: float | None) -> None:
        """Wait while somebody else counts a chunk. Raises: as ``check``; Queued after ``patience``."""
        deadline = time.monotonic() + (math.inf if patience is None else patience)
        while (begun := self.begun.get(number)) is not None:
            if not begun.wait(_POLL):
                check()
                if time.monotonic() > deadline:
                    raise Queued("Another request is counting the same images.")


@dataclass
class Counting:
    """A request while it is counted: its chunks, and what is counted of them."""

    request: Request
    batches: TaskBatches
    chunks: tuple[Chunk, ...]
    progress: Progress
    stats: RequestStats
    counted: list[Counted] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every chunk is counted."""
        return len(self.counted) == len(self.chunks)

    def has(self, images: int) -> bool:
        """Whether so many images of each task are counted, and at least one chunk."""
        wanted, each = self.batches.counts(images), self.request.resolved.images
        counted = self.batches.counts_after(len(self.counted), each)
        enough = all(n >= min(few, each) for n, few in zip(counted, wanted, strict=True))
        return bool(self.counted) and (enough or self.complete)

    def catch_up(self) -> bool:
        """Take over what other requests have counted of the same; whether that was anything new."""
        before, whole = len(self.counted), sum(chunk.whole for chunk in self.chunks)
        self.counted += self.progress.counted[before:whole]
        self.stats.shared += len(self.counted) - before
        return len(self.counted) > before

    def add(self, chunk: Chunk, counts: ChunkCounts) -> None:
        """Note what the next chunk gave, and share it unless another request has done so."""
        if len(self.progress.counted) == len(self.counted):
            self.progress.seconds += counts.edit + counts.forward
            self.progress.device = counts.device
            if chunk.whole:
                self.progress.counted.append(counts.counted)
        self.counted.append(counts.counted)
        self.stats.edit += counts.edit
        self.stats.forward += counts.forward
        self.stats.counted += 1

    def evaluation(self) -> Evaluation:
        """The counts so far as an evaluation."""
        lab, resolved = self.request.lab, self.request.resolved
        correct = [sum(task) for task in zip(*(one.correct for one in self.counted), strict=True)]
        packed = [b"".join(task) for task in zip(*(one.predictions for one in self.counted), strict=True)]
        counts = self.batches.counts_after(len(self.counted), resolved.images)
        counted = [
            TaskResult(task.key, task.title, task_role(task.key, self.request.spec), right, n)
            for task, right, n in zip(
                lab.tasks_with_images(resolved.suite, resolved.split), correct, counts, strict=True
            )
        ]
        known = self.request.known
        if known is not None:
            counted[:0] = [replace(one, role=task_role(one.key, self.request.spec)) for one in known.tasks]
            packed[:0] = known.predictions or ()
        pictured = (known is None or known.predictions) and sum(map(len, packed)) <= MOST_PREDICTION_BYTES
        return Evaluation(
            self.request.spec,
            tuple(counted),
            self.complete,
            self.progress.seconds,
            str(lab.dtype).removeprefix("torch."),
            self.progress.device or lab.device.type,
            predictions=tuple(packed) if pictured else None,
        )
