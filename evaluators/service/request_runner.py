"""The requests of all visitors, answered by one live model a chunk at a time.

The coefficients are written absolutely before each chunk, so it does not matter whose chunk came before.
Requests for the same numbers share what is counted, whoever counts it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import cast
from weakref import WeakKeyDictionary

from evaluators.data.image_batches import Chunk, ImageBatches
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.cpu_threads import use_all
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.engine.counting import count_chunk
from evaluators.engine.reserved_core import ReservedCore
from evaluators.engine.zero_gpu import Counted, ZeroGpu
from evaluators.errors import Queued
from evaluators.hub.load_request import LoadRequest
from evaluators.labs.lab import Lab
from evaluators.service.request_stats import COMPLETE, KNOWN, PARTIAL, Observer
from evaluators.service.request_timer import RequestTimer
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Priority, Scheduler, Ticket
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult, task_role
from evaluators.specs.resolved_spec import ResolvedSpec

PROGRESS_KEPT = 256
SLOWEST = 4
"""Times its patience that whoever waits in a line is told of it at the least."""


@dataclass
class _Progress:
    """Whole chunks counted so far, correct images a task in each; written by whoever has the turn only."""

    correct: list[tuple[int, ...]] = field(default_factory=list)
    seconds: float = 0.0
    device: str = ""


@dataclass(frozen=True)
class Asked:
    """What a visitor wants to know.

    Args:
        lab: that answers.
        spec: what was asked.
        measurement: what it means there.
        visitor: whose request it is; None is nobody.
        private: whether a visitor's own checkpoint is in it, so that the answer is not kept on disk.
        wish: how the lab was loaded, for a process that has to load it again.
    """

    lab: Lab
    spec: EditSpec
    resolved: ResolvedSpec
    visitor: Hashable | None = None
    private: bool = False
    load_request: LoadRequest | None = None


@dataclass
class _Request:
    """One request on its way: what to count, and what is counted."""

    asked: Asked
    images: ImageBatches
    chunks: tuple[Chunk, ...]
    progress: _Progress
    ticket: Ticket
    ledger: RequestTimer
    correct: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.correct) == len(self.chunks)

    def catch_up(self) -> bool:
        """Take over what the same measurement has counted so far; whether that was anything new."""
        before = len(self.correct)
        self.correct += self.progress.correct[before : len(self.chunks)]
        self.ledger.shared += len(self.correct) - before
        return len(self.correct) > before


class Requests:
    """Answers requests. Any method may be called from any thread.

    Args:
        known: answers there are already, and those that are found here.
        gpu: counts the streams, if one is lent.
        observe: is told what every request cost.
    """

    def __init__(self, known: ResultCache, gpu: ZeroGpu | None, observe: Observer | None) -> None:
        self.turns = Scheduler()  # guards the live models and every _Progress
        self._known = known
        self._gpu = gpu
        self._observe = observe
        # One thread for all chunks: each one that computes has OpenMP threads and memory of its own.
        self._model = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._spare: WeakKeyDictionary[LiveEncoder, ReservedCore] = WeakKeyDictionary()  # its thread's only
        self._mutex = threading.Lock()  # guards the dictionary below
        self._progress: OrderedDict[str, _Progress] = OrderedDict()

    @contextmanager
    def accounted(self, spec: EditSpec) -> Iterator[RequestTimer]:
        """A ledger whose account is told when the ``with`` block ends, however it does."""
        ledger, error = RequestTimer(spec.key() if self._observe else ""), None
        try:
            yield ledger
        except GeneratorExit:
            raise
        except BaseException as problem:
            error = problem
            raise
        finally:
            if self._observe is not None:
                self._observe(ledger.account(error))

    def first(self, asked: Asked, patience: float | None = None) -> Evaluation:
        """What is known at once, or else the answer from the first chunk, which a later stream continues.

        Raises: Superseded; Queued; Crowded; LabError, CheckpointError or DeviceError if counting fails.
        """
        with self.accounted(asked.spec) as ledger:
            ticket = self.turns.announce(asked.visitor)
            known = self._known.find(asked.lab, asked.spec, asked.resolved)
            if known is not None:
                ledger.told(KNOWN)
                return known
            request = self._request(asked, ticket, ledger, self._progress_of(asked))
            if not request.catch_up():
                if self._gpu is not None:
                    request.progress = _Progress()  # counted here, while a later stream counts on the GPU
                self._count_next(request, Priority.MOVING, patience)
            ledger.told(COMPLETE if request.complete else PARTIAL)
            return self._tell(request)

    def stream(self, asked: Asked, *, fresh: bool = False, background: bool = False) -> Iterator[Evaluation]:
        """Answers from more and more images, the last one complete. The request counts from this call on.

        Raises: while iterating, as ``first`` but for Queued.
        """
        answers = self._stream(asked, self.turns.announce(asked.visitor), fresh, background, None)
        return cast(Iterator[Evaluation], answers)

    def patiently(self, asked: Asked, patience: float) -> Iterator[Evaluation | Queued]:
        """As ``stream``; between the answers how long the line is, whenever a turn is waited for so long.

        After a wait of ``patience`` seconds, then after twice as long, three times, and always four times.
        """
        return self._stream(asked, self.turns.announce(asked.visitor), False, False, patience)

    def record(self, asked: Asked, correct: Sequence[tuple[int, ...]], seconds: float) -> Evaluation:
        """The complete answer from counts that were made elsewhere, which is known from now on.

        Raises: ValueError unless every chunk is counted.
        """
        request = self._request(asked, Ticket(None), RequestTimer(""), _Progress(seconds=seconds))
        request.correct.extend(correct)
        if not request.complete:
            raise ValueError(f"{len(request.chunks)} chunks are to be counted, got {len(correct)}.")
        return self._tell(request)

    def _stream(
        self, asked: Asked, ticket: Ticket, fresh: bool, background: bool, patience: float | None
    ) -> Iterator[Evaluation | Queued]:
        with self.accounted(asked.spec) as ledger:
            known = None if fresh else self._known.find(asked.lab, asked.spec, asked.resolved)
            if known is not None:
                ticket.check()
                ledger.told(KNOWN)
                yield known
                return
            progress = _Progress() if fresh else self._progress_of(asked)
            request = self._request(asked, ticket, ledger, progress)
            news = request.catch_up()  # what others have counted of it is told at once
            rank, waits = Priority.BACKGROUND if background else Priority.NUMBERS, count(1)
            lent = self._lent(request)
            try:
                while not request.complete or news:
                    if not news and lent is not None:
                        self._take_next(request, lent)
                    elif not news:
                        try:
                            self._count_next(request, rank, patience and patience * min(next(waits), SLOWEST))
                        except Queued as line:
                            yield line
                            continue
                    evaluation = self._tell(request)
                    ticket.check()
                    ledger.told(COMPLETE if evaluation.complete else PARTIAL)
                    yield evaluation
                    news, rank = False, max(rank, Priority.REFINEMENT)
            finally:
                if lent is not None:
                    lent.close()

    def _request(self, asked: Asked, ticket: Ticket, ledger: RequestTimer, progress: _Progress) -> _Request:
        resolved = asked.resolved
        images = asked.lab.images(resolved.suite, resolved.split)
        chunks = images.chunks(resolved.images)
        return _Request(asked, images, chunks, progress, ticket, ledger)

    def _count_next(self, request: _Request, rank: Priority, patience: float | None) -> None:
        """Count one more chunk, or take over what others have counted of it while this request waited."""
        lab, resolved, ledger = request.asked.lab, request.asked.resolved, request.ledger
        heads = lab.heads_counted(resolved)
        # read from disk, or merged, before the turn, not in it
        residual = (
            lab.encoder.residuals.held(resolved.residual, request.ticket.check, patience)
            if resolved.residual
            else nullcontext()
        )
        with residual:
            asked = time.perf_counter()
            try:
                with self.turns.turn(request.ticket, rank, patience):
                    ledger.queue += time.perf_counter() - asked
                    asked = 0.0
                    if not request.catch_up():
                        self._model.submit(self._count, request, heads).result()
            finally:
                if asked:
                    ledger.queue += time.perf_counter() - asked

    def _count(self, request: _Request, heads: Sequence[ClassifierHead]) -> None:
        """Count the next chunk of a request that has the turn."""
        lab, resolved = request.asked.lab, request.asked.resolved
        chunk = request.chunks[len(request.correct)]
        use_all()
        crowded = self.turns.waiting > 0 and lab.device.type == "cpu"
        spare = self._spare.setdefault(lab.encoder, ReservedCore())
        began = time.perf_counter()
        with lab.encoder.guarded(), spare.counting(chunk.images) if crowded else nullcontext():
            lab.encoder.carry(resolved.residual, resolved.scales)
            written = time.perf_counter()
            correct = count_chunk(lab, resolved, request.images, chunk, heads)
        ended = time.perf_counter()
        request.ledger.edit += written - began
        request.ledger.forward += ended - written
        request.ledger.counted += 1
        request.progress.seconds += ended - began
        request.correct.append(correct)
        if chunk.whole:
            request.progress.correct.append(correct)

    def _lent(self, request: _Request) -> Generator[Counted, None, None] | None:
        """The counts that are missing, from a lent GPU; None if there is no lender."""
        if self._gpu is None:
            return None
        asked = request.asked
        missing = request.chunks[len(request.correct) :]
        return self._gpu.counts(asked.lab, asked.load_request, asked.resolved, missing)

    def _take_next(self, request: _Request, lent: Iterator[Counted]) -> None:
        """Take one more chunk from the GPU; others who measure the same begin with what is counted so far."""
        request.ticket.check()
        counted = next(lent)
        place = len(request.correct)
        request.correct.append(counted.correct)
        request.ledger.counted += 1
        request.ledger.forward += counted.seconds
        with self.turns.turn(Ticket(None)):
            progress = request.progress
            progress.device = counted.device
            if len(progress.correct) == place:  # else another request is ahead of this one
                progress.seconds += counted.seconds
                if request.chunks[place].whole:
                    progress.correct.append(counted.correct)

    def _tell(self, request: _Request) -> Evaluation:
        """The counts as an evaluation, which is remembered if it is complete."""
        asked, images = request.asked, request.images
        lab, resolved = asked.lab, asked.resolved
        correct = [sum(task) for task in zip(*request.correct, strict=True)]
        counts = images.reached(len(request.correct), resolved.images)
        tasks = tuple(
            TaskResult(task.key, task.title, task_role(task.key, asked.spec), right, n)
            for task, right, n in zip(
                lab.counted(resolved.suite, resolved.split), correct, counts, strict=True
            )
        )
        evaluation = Evaluation(
            asked.spec,
            tasks,
            request.complete,
            request.progress.seconds,
            str(lab.dtype).removeprefix("torch."),
            request.progress.device or lab.device.type,
        )
        if evaluation.complete:
            self._known.add(lab, resolved, evaluation, on_disk=not asked.private)
        return evaluation

    def _progress_of(self, asked: Asked) -> _Progress:
        """The progress all requests for this measurement share, however many images they ask for."""
        of_all = replace(asked.resolved, images=0)
        key = asked.lab.key(of_all, SCHEMA_VERSION)  # a lab of the same name may follow
        with self._mutex:
            progress = self._progress.setdefault(key, _Progress())
            self._progress.move_to_end(key)
            while len(self._progress) > PROGRESS_KEPT:
                self._progress.popitem(last=False)
        return progress
