"""The request loop: cached answer, shared chunks, turn, count, evaluation.

The coefficients are written absolutely before each chunk, so it does not matter whose chunk came before.
Requests for the same numbers share what is counted, whoever counts it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import count

from evaluators.engine.engine import Counted, Engine, LoadedEdit
from evaluators.errors import Queued
from evaluators.service.request_stats import COMPLETE, KNOWN, PARTIAL, Observer, RequestStats
from evaluators.service.result_cache import ResultCache
from evaluators.service.result_store import SCHEMA_VERSION
from evaluators.service.scheduler import Priority, Scheduler
from evaluators.service.shared_counts import Counting, Progress, Request
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

PROGRESS_KEPT = 256
SLOWEST_REPORT = 4
"""Times its patience, the longest that a waiting request goes without reporting its queue position."""


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
        self._mutex = threading.Lock()  # guards what follows and every Progress, for moments only
        self._progress: OrderedDict[str, Progress] = OrderedDict()

    def refuse(self, spec: EditSpec, error: Exception) -> None:
        """Report a request that was not accepted."""
        if self._observe is not None:
            self._observe(RequestStats(spec.key()).ended(error))

    def first(
        self, request: Request, patience: float | None = None, pictures: int = 0, background: bool = False
    ) -> Evaluation:
        """The cached answer, or else the one from the first chunk, which a later stream continues.

        Args:
            pictures: images per task whose predictions are asked for; a cached answer without any does not
                count then.
            background: with the lowest priority.
        Raises: Superseded; Queued after ``patience`` seconds; QueueFull; LabError, CheckpointError or
            DeviceError if counting fails.
        """
        with self._reported(request.spec) as stats:
            known = self._known(request, stats)
            if known is not None and not (pictures and known.predictions is None):
                return known
            shipped = known and pictures
            few = self._results.pictured(request.lab, request.spec, request.resolved) if shipped else None
            if few is not None and all(task.n >= pictures for task in few.tasks):
                return few
            request = self._missing(request, pictures)
            counting = self._counting(request, stats, self._progress_of(request))
            self._catch_up(counting)
            if self._quick is not self._full and not counting.has(pictures):
                counting.counted, counting.progress = [], self._progress_of(request, "quick ")
                self._catch_up(counting)
            if not counting.has(pictures):
                priority = Priority.BACKGROUND if background else Priority.MOVING
                with closing(self._load(self._quick, counting)) as edit:
                    while not counting.has(pictures):
                        self._count_next(counting, self._quick, edit, priority, patience)
            stats.answered(COMPLETE if counting.complete else PARTIAL)
            return self._evaluation(counting)

    def known_pictures(self, request: Request) -> Evaluation | None:
        """The answer as far as predictions are known without counting; None if there are none yet."""
        known = self._results.find(request.lab, request.spec, request.resolved)
        if known is not None and known.predictions is not None:
            return known
        if (few := self._results.pictured(request.lab, request.spec, request.resolved)) is not None:
            return few
        for engine in ("", *(("quick ",) if self._quick is not self._full else ())):
            progress = self._progress_of(request, engine)
            if not progress.counted:  # nor may the images be loaded yet
                continue
            counting = self._counting(request, RequestStats(""), progress)
            if self._catch_up(counting):
                return counting.evaluation()
        return None

    def lacks_own_alone(self, request: Request) -> bool:
        """Whether own tasks' images are all that an unknown answer lacks, and cost nobody's GPU quota."""
        if self._quick is not self._full or not request.lab.own_tasks(request.resolved.suite):
            return False
        if self._results.find(request.lab, request.spec, request.resolved) is not None:
            return False
        return self._missing(request).known is not None

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
            request = request if fresh else self._missing(request)
            progress = Progress() if fresh else self._progress_of(request)
            counting = self._counting(request, stats, progress)
            news = self._catch_up(counting)
            priority, reports = Priority.BACKGROUND if background else Priority.NUMBERS, count(1)
            engine = self._quick if request.lab.always_here else self._full
            with closing(self._load(engine, counting)) as edit:
                while news or not counting.complete:
                    if not news:
                        longest = patience and patience * min(next(reports), SLOWEST_REPORT)
                        try:
                            self._count_next(counting, engine, edit, priority, longest)
                        except Queued as queued:
                            yield queued
                            continue
                    evaluation = self._evaluation(counting)
                    request.ticket.check()
                    stats.answered(COMPLETE if evaluation.complete else PARTIAL)
                    yield evaluation
                    news, priority = False, max(priority, Priority.REFINEMENT)

    def record(self, request: Request, counted: Sequence[Counted], seconds: float) -> Evaluation:
        """Cache and return the complete answer from counts that were made elsewhere.

        Raises: ValueError unless every chunk is counted.
        """
        counting = self._counting(request, RequestStats(""), Progress(seconds=seconds))
        counting.counted.extend(counted)
        if not counting.complete:
            raise ValueError(f"{len(counting.chunks)} chunks are to be counted, got {len(counted)}.")
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

    def _missing(self, request: Request, pictures: int = 0) -> Request:
        """The part of a request that is to be counted: only own tasks, if the built-in ones are known.

        So the grid and the sweeps that ship answer for the built-in tasks, and a visitor's few images are
        counted beside them.

        Args:
            pictures: as for ``first``.
        """
        lab, resolved = request.lab, request.resolved
        suite, split, targets = resolved.suite, resolved.split, request.spec.targets
        if not lab.own_tasks(suite) or not lab.built_in().tasks(suite):
            return request
        built_in, own = lab.built_in(), lab.only_own()
        most = built_in.max_images(suite, split, targets)
        known = self._results.stored(built_in, replace(resolved, images=min(resolved.images, most)))
        if known is None or (pictures and known.predictions is None):
            return request
        images = min(resolved.images, own.max_images(suite, split))
        return replace(
            request, lab=own, resolved=replace(resolved, images=images), known=known, whole=request
        )

    def _counting(self, request: Request, stats: RequestStats, progress: Progress) -> Counting:
        resolved = request.resolved
        batches = request.lab.batches(resolved.suite, resolved.split)
        return Counting(request, batches, batches.chunks(resolved.images), progress, stats)

    def _load(self, engine: Engine, counting: Counting) -> LoadedEdit:
        missing = counting.chunks[len(counting.counted) :]
        return engine.load(counting.request.lab, counting.request.resolved, missing)

    def _catch_up(self, counting: Counting) -> bool:
        with self._mutex:
            return counting.catch_up()

    def _count_next(
        self,
        counting: Counting,
        engine: Engine,
        edit: LoadedEdit,
        priority: Priority,
        patience: float | None,
    ) -> None:
        """Count one more chunk, or take over what others have counted meanwhile; nobody counts one twice."""
        ticket, stats, number = counting.request.ticket, counting.stats, len(counting.counted)
        with ExitStack() as stack:
            stack.enter_context(edit.ready(ticket.check, patience))
            if engine.exclusive:
                began = time.perf_counter()
                try:
                    while True:
                        counting.progress.await_others(number, ticket.check, patience)
                        turn = stack.enter_context(ExitStack())
                        turn.enter_context(self._scheduler.turn(ticket, priority, patience))
                        if counting.progress.begin(number):
                            stack.callback(counting.progress.done, number)
                            break
                        turn.close()
                finally:
                    stats.queue += time.perf_counter() - began
                if self._catch_up(counting):
                    return
            self._scheduler.check(ticket)
            chunk = counting.chunks[len(counting.counted)]
            counts = edit.count(chunk)
            with self._mutex:
                counting.add(chunk, counts)

    def _evaluation(self, counting: Counting) -> Evaluation:
        """The counts so far as an evaluation, which is cached if it is complete."""
        evaluation, request = counting.evaluation(), counting.request.whole or counting.request
        if evaluation.complete:
            self._results.add(request.lab, request.resolved, evaluation, on_disk=not request.private)
        return evaluation

    def _progress_of(self, request: Request, engine: str = "") -> Progress:
        """The progress that all requests for this measurement share, however many images they ask for.

        Args:
            engine: a prefix for the engine that counts first numbers where it is not the one for streams.
        """
        of_all = replace(request.resolved, images=0)
        key = engine + request.lab.key(of_all, SCHEMA_VERSION)  # another lab of the same name may follow
        with self._mutex:
            progress = self._progress.setdefault(key, Progress(request.names))
            self._progress.move_to_end(key)
            while len(self._progress) > PROGRESS_KEPT:
                self._progress.popitem(last=False)
        return progress

    def forget(self, name: str) -> None:
        """Drop all counts that a deleted checkpoint or task of a visitor is in."""
        self._results.forget(name)
        with self._mutex:
            for key in [key for key, progress in self._progress.items() if name in progress.names]:
                del self._progress[key]
