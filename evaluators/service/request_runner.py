"""The request loop: cached answer, shared chunks, turn, count, evaluation.

The coefficients are written absolutely before each chunk, so it does not matter whose chunk came before.
Requests for the same numbers share what is counted, whoever counts it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.engine.engine import ChunkCounts, Engine, LoadedEdit
from evaluators.errors import Queued
from evaluators.labs.lab import Lab
from evaluators.service.request_stats import COMPLETE, KNOWN, PARTIAL, Observer, RequestStats
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Priority, Scheduler, Ticket
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult, task_role
from evaluators.specs.resolved_spec import ResolvedSpec

PROGRESS_KEPT = 256
SLOWEST_REPORT = 4
"""Times its patience, the longest that a waiting request goes without reporting its queue position."""


@dataclass(frozen=True)
class Request:
    """One accepted request.

    Args:
        lab: that answers it, as the visitor's session sees it.
        spec: as it was asked.
        resolved: what that means in the lab.
        private: whether a visitor's own checkpoint is in it, so that the answer is not kept on disk.
        ticket: says when the request is not wanted any more.
    """

    lab: Lab
    spec: EditSpec
    resolved: ResolvedSpec
    private: bool = False
    ticket: Ticket = field(default_factory=Ticket)


@dataclass
class _Progress:
    """Whole chunks counted so far for one measurement, shared by all its requests; guarded by the runner."""

    correct: list[tuple[int, ...]] = field(default_factory=list)
    seconds: float = 0.0
    device: str = ""


@dataclass
class _Counting:
    """A request while it is counted: its chunks, and what is counted of them."""

    request: Request
    images: ImageBatches
    chunks: tuple[Chunk, ...]
    progress: _Progress
    stats: RequestStats
    correct: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.correct) == len(self.chunks)

    def catch_up(self) -> bool:
        """Take over what other requests have counted of the same; whether that was anything new."""
        before = len(self.correct)
        self.correct += self.progress.correct[before : len(self.chunks)]
        self.stats.shared += len(self.correct) - before
        return len(self.correct) > before

    def add(self, chunk: Chunk, counts: ChunkCounts) -> None:
        """Note what the next chunk gave, and share it unless another request has done so."""
        if len(self.progress.correct) == len(self.correct):
            self.progress.seconds += counts.edit + counts.forward
            self.progress.device = counts.device
            if chunk.whole:
                self.progress.correct.append(counts.correct)
        self.correct.append(counts.correct)
        self.stats.edit += counts.edit
        self.stats.forward += counts.forward
        self.stats.counted += 1


class RequestRunner:
    """Answers requests. Any method may be called from any thread.

    Args:
        scheduler: gives turns on engines that are exclusive.
        results: complete evaluations, those that are known and those that are measured here.
        quick: counts first numbers.
        full: counts streams; where it is another engine, the two share no chunks.
        observe: receives the statistics of every request.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        results: ResultCache,
        quick: Engine,
        full: Engine,
        observe: Observer | None,
    ) -> None:
        self._scheduler = scheduler
        self._results = results
        self._quick = quick
        self._full = full
        self._observe = observe
        self._mutex = threading.Lock()  # guards what follows and every _Progress, for moments only
        self._progress: OrderedDict[str, _Progress] = OrderedDict()

    def refuse(self, spec: EditSpec, error: Exception) -> None:
        """Report a request that was not accepted."""
        if self._observe is not None:
            self._observe(RequestStats(spec.key()).ended(error))

    def first(self, request: Request, patience: float | None = None) -> Evaluation:
        """The cached answer, or else the one from the first chunk, which a later stream continues.

        Raises: Superseded; Queued after ``patience`` seconds; QueueFull; LabError, CheckpointError or
            DeviceError if counting fails.
        """
        with self._reported(request.spec) as stats:
            known = self._known(request, stats)
            if known is not None:
                return known
            counting = self._counting(request, stats, self._progress_of(request))
            if not self._catch_up(counting):
                if self._quick is not self._full:
                    counting.progress = _Progress()
                with closing(self._load(self._quick, counting)) as edit:
                    self._count_next(counting, self._quick, edit, Priority.MOVING, patience)
            stats.answered(COMPLETE if counting.complete else PARTIAL)
            return self._evaluation(counting)

    def stream(
        self, request: Request, fresh: bool, background: bool, patience: float | None
    ) -> Iterator[Evaluation | Queued]:
        """Answers from more and more images, the last one complete; a cached answer comes at once.

        Args:
            fresh: measure anew, whatever is cached.
            background: with the lowest priority.
            patience: seconds without a turn after which the queue position is yielded, then after twice as
                long, three times, and always four times; None never yields it.
        Raises: while iterating, as ``first`` but for Queued.
        """
        with self._reported(request.spec) as stats:
            known = None if fresh else self._known(request, stats)
            if known is not None:
                yield known
                return
            progress = _Progress() if fresh else self._progress_of(request)
            counting = self._counting(request, stats, progress)
            news = self._catch_up(counting)
            priority, reports = Priority.BACKGROUND if background else Priority.NUMBERS, count(1)
            with closing(self._load(self._full, counting)) as edit:
                while news or not counting.complete:
                    if not news:
                        longest = patience and patience * min(next(reports), SLOWEST_REPORT)
                        try:
                            self._count_next(counting, self._full, edit, priority, longest)
                        except Queued as queued:
                            yield queued
                            continue
                    evaluation = self._evaluation(counting)
                    request.ticket.check()
                    stats.answered(COMPLETE if evaluation.complete else PARTIAL)
                    yield evaluation
                    news, priority = False, max(priority, Priority.REFINEMENT)

    def record(self, request: Request, correct: Sequence[tuple[int, ...]], seconds: float) -> Evaluation:
        """Cache and return the complete answer from counts that were made elsewhere.

        Raises: ValueError unless every chunk is counted.
        """
        counting = self._counting(request, RequestStats(""), _Progress(seconds=seconds))
        counting.correct.extend(correct)
        if not counting.complete:
            raise ValueError(f"{len(counting.chunks)} chunks are to be counted, got {len(correct)}.")
        return self._evaluation(counting)

    @contextmanager
    def _reported(self, spec: EditSpec) -> Iterator[RequestStats]:
        """Statistics that are reported when the ``with`` block ends, however it does."""
        stats, error = RequestStats(spec.key() if self._observe else ""), None
        try:
            yield stats
        except GeneratorExit:
            raise
        except BaseException as problem:
            error = problem
            raise
        finally:
            if self._observe is not None:
                self._observe(stats.ended(error))

    def _known(self, request: Request, stats: RequestStats) -> Evaluation | None:
        request.ticket.check()
        known = self._results.find(request.lab, request.spec, request.resolved)
        if known is not None:
            stats.answered(KNOWN)
        return known

    def _counting(self, request: Request, stats: RequestStats, progress: _Progress) -> _Counting:
        resolved = request.resolved
        images = request.lab.images(resolved.suite, resolved.split)
        return _Counting(request, images, images.chunks(resolved.images), progress, stats)

    def _load(self, engine: Engine, counting: _Counting) -> LoadedEdit:
        missing = counting.chunks[len(counting.correct) :]
        return engine.load(counting.request.lab, counting.request.resolved, missing)

    def _catch_up(self, counting: _Counting) -> bool:
        with self._mutex:
            return counting.catch_up()

    def _count_next(
        self,
        counting: _Counting,
        engine: Engine,
        edit: LoadedEdit,
        priority: Priority,
        patience: float | None,
    ) -> None:
        """Count one more chunk, or take over what others have counted of it while this request waited."""
        ticket, stats = counting.request.ticket, counting.stats
        with ExitStack() as stack:
            stack.enter_context(edit.ready(ticket.check, patience))
            if engine.exclusive:
                began = time.perf_counter()
                try:
                    stack.enter_context(self._scheduler.turn(ticket, priority, patience))
                finally:
                    stats.queue += time.perf_counter() - began
                if self._catch_up(counting):
                    return
            self._scheduler.check(ticket)
            chunk = counting.chunks[len(counting.correct)]
            counts = edit.count(chunk)
            with self._mutex:
                counting.add(chunk, counts)

    def _evaluation(self, counting: _Counting) -> Evaluation:
        """The counts so far as an evaluation, which is cached if it is complete."""
        request, images = counting.request, counting.images
        lab, resolved = request.lab, request.resolved
        correct = [sum(task) for task in zip(*counting.correct, strict=True)]
        counts = images.counts_after(len(counting.correct), resolved.images)
        tasks = tuple(
            TaskResult(task.key, task.title, task_role(task.key, request.spec), right, n)
            for task, right, n in zip(
                lab.tasks_with_images(resolved.suite, resolved.split), correct, counts, strict=True
            )
        )
        evaluation = Evaluation(
            request.spec,
            tasks,
            counting.complete,
            counting.progress.seconds,
            str(lab.dtype).removeprefix("torch."),
            counting.progress.device or lab.device.type,
        )
        if evaluation.complete:
            self._results.add(lab, resolved, evaluation, on_disk=not request.private)
        return evaluation

    def _progress_of(self, request: Request) -> _Progress:
        """The progress that all requests for this measurement share, however many images they ask for."""
        of_all = replace(request.resolved, images=0)
        key = request.lab.key(of_all, SCHEMA_VERSION)  # another lab of the same name may follow
        with self._mutex:
            progress = self._progress.setdefault(key, _Progress())
            self._progress.move_to_end(key)
            while len(self._progress) > PROGRESS_KEPT:
                self._progress.popitem(last=False)
        return progress
