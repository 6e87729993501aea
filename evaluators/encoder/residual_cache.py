"""LRU cache of an encoder's residuals, limited in bytes; concurrent requests share one computation.

A merge reads the weights of all its checkpoints, which may take half a minute. It runs in a thread of its
own, does not delay requests for other residuals while there is memory for both, and is cancelled soon after
the last request for it has been superseded.
"""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from evaluators.errors import Preparing, Superseded
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec

CancelCheck = Callable[[], None]
"""Raises Superseded once its request has been replaced by a newer one."""

CANCEL_DELAY = 0.5
"""Seconds that a computation goes on without requests: the session's next one may need the same residual."""
EVICT_AFTER = 2.0
"""Seconds that a computation waits for memory before an idle cached residual can no longer be pinned."""
_POLL = 0.1
"""Seconds between two calls of a waiting request's cancel check."""


def never_cancel() -> None:
    """The cancel check of a request that waits to the end."""


class _Computation:
    """A residual that is being computed, or that waits for memory or for another merge."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.checks: list[CancelCheck] = []
        self.requested_at = clock()
        self.started = False
        self.waiting = 0
        self.done = threading.Event()
        self.result: Tensor | None = None
        self.error: BaseException | None = None
        self.dropped = False
        self._clock = clock
        self._unwanted_since: float | None = None

    def check(self) -> None:
        """Raises: Superseded if all requests have been for `CANCEL_DELAY`, or before it has started."""
        for check in tuple(self.checks):
            try:
                check()
            except Superseded as raised:
                superseded = raised
            else:
                self._unwanted_since = None
                return
        now = self._clock()
        if self._unwanted_since is None:
            self._unwanted_since = now
        if not self.started or now - self._unwanted_since >= CANCEL_DELAY:
            raise superseded


class ResidualCache:
    """Thread-safe; a residual is pinned while it is in use, and only unpinned ones are evicted.

    Args:
        compute: computes one, in a thread of its own; calls the check often, which raises to cancel it.
        cost: bytes of memory that one takes.
        max_bytes: of cached and pinned residuals and of computations; one residual is always cached.
        clock: in seconds.
    """

    def __init__(
        self,
        compute: Callable[[ResidualSpec, CancelCheck], Tensor],
        cost: Callable[[ResidualSpec], int],
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self._compute = compute
        self._cost = cost
        self._clock = clock
        self._merging = threading.Lock()  # held over a merge, which uses all cores
        self._changed = threading.Condition()  # guards the fields below
        self._cached: OrderedDict[ResidualSpec, Tensor] = OrderedDict()
        self._pins: Counter[ResidualSpec] = Counter()
        self._computations: dict[ResidualSpec, _Computation] = {}
        self._memory_waits: list[float] = []  # since when computations wait for memory

    @property
    def keys(self) -> tuple[ResidualSpec, ...]:
        """Cached residuals, the most recently used last."""
        with self._changed:
            return tuple(self._cached)

    def get(self, spec: ResidualSpec) -> Tensor:
        """A residual, computed if it is not cached. Raises: as ``compute``."""
        with self.pinned(spec) as residual:
            return residual

    @contextmanager
    def pinned(
        self, spec: ResidualSpec, check: CancelCheck = never_cancel, patience: float | None = None
    ) -> Iterator[Tensor]:
        """A residual, computed if it is not cached, that is not evicted within the ``with`` block.

        Args:
            patience: seconds to wait at most; the computation goes on.
        Raises: what ``check`` raises, at most `_POLL` late; Preparing after ``patience``; and as ``compute``.
        """
        residual = self._pin(spec, check, patience)
        try:
            yield residual
        finally:
            with self._changed:
                self._unpin(spec)

    def drop(self, matches: Callable[[ResidualSpec], bool]) -> None:
        """Remove the matching residuals, and do not cache those of them that are being computed."""
        with self._changed:
            for spec in filter(matches, tuple(self._cached)):
                del self._cached[spec]
            for spec, computation in self._computations.items():
                computation.dropped = computation.dropped or matches(spec)

    def evict_all(self, check: CancelCheck) -> bool:
        """Empty the cache once none of it is pinned, for a computation that ran out of memory.

        Returns: whether anything was cached. Raises: what ``check`` raises.
        """
        with self._waiting_for_memory():
            while any(self._pins[spec] for spec in self._cached):
                check()
                self._changed.wait(_POLL)
            evicted = bool(self._cached)
            self._cached.clear()
        return evicted

    def _pin(self, spec: ResidualSpec, check: CancelCheck, patience: float | None) -> Tensor:
        requested_at = self._clock()
        deadline = requested_at + (math.inf if patience is None else patience)
        while True:
            with self._changed:
                while spec in self._cached and self._must_be_evicted(spec):
                    self._check_wait(check, deadline, requested_at)
                    self._changed.wait(_POLL)
                if spec in self._cached:
                    self._pins[spec] += 1
                    self._cached.move_to_end(spec)
                    return self._cached[spec]
                computation = self._join(spec, check)
            try:
                while not computation.done.wait(_POLL):
                    self._check_wait(check, deadline, computation.requested_at)
            except BaseException:
                with self._changed:
                    computation.waiting -= 1
                    if (
                        computation.result is not None
                    ):  # it finished after the last wait, and pinned for this one
                        self._unpin(spec)
                raise
            if computation.result is not None:
                return computation.result
            check()
            assert computation.error is not None
            if not isinstance(computation.error, Superseded):  # else it was cancelled just before this joined
                raise computation.error

    def _check_wait(self, check: CancelCheck, deadline: float, since: float) -> None:
        """Raises: what the check raises; Preparing after the deadline."""
        check()
        now = self._clock()
        if now >= deadline:
            raise Preparing(
                f"The weights have been in preparation for {now - since:.0f} s.", seconds=now - since
            )

    def _join(self, spec: ResidualSpec, check: CancelCheck) -> _Computation:
        """The running computation of a residual, or a new one. The lock is held."""
        computation = self._computations.get(spec)
        if computation is None:
            computation = self._computations[spec] = _Computation(self._clock)
            threading.Thread(target=self._run, args=(spec, computation), name="residual", daemon=True).start()
        computation.checks.append(check)
        computation.waiting += 1
        return computation

    @torch.no_grad()
    def _run(self, spec: ResidualSpec, computation: _Computation) -> None:
        with self._merging if isinstance(spec, MergeSpec) else nullcontext():
            try:
                self._reserve(spec, computation)
                result = self._compute(spec, computation.check)
            except BaseException as error:  # noqa: BLE001 -- raised again by those who wait for it
                self._finish(spec, computation, None, error)
            else:
                self._finish(spec, computation, result, None)

    def _finish(
        self,
        spec: ResidualSpec,
        computation: _Computation,
        result: Tensor | None,
        error: BaseException | None,
    ) -> None:
        """Hand the outcome to the waiting requests, and pin the residual once for each."""
        with self._changed:
            del self._computations[spec]
            computation.result, computation.error = result, error
            if result is not None:
                self._pins.update({spec: computation.waiting} if computation.waiting else {})
                if not computation.dropped:
                    self._cached[spec] = result
                self._evict()
            computation.done.set()
            self._changed.notify_all()

    def _reserve(self, spec: ResidualSpec, computation: _Computation) -> None:
        """Wait until there is memory for one more. Raises: Superseded if it is cancelled before that."""
        with self._waiting_for_memory():
            while True:
                computation.check()
                busy = [other for other in self._cached if self._pins[other]] + self._started()
                if not busy or sum(map(self._cost, busy)) + self._cost(spec) <= self.max_bytes:
                    break
                self._changed.wait(_POLL)
            computation.started = True
            self._evict()

    @contextmanager
    def _waiting_for_memory(self) -> Iterator[None]:
        """Hold the lock, and record since when memory has been waited for."""
        with self._changed:
            since = self._clock()
            self._memory_waits.append(since)
            try:
                yield
            finally:
                self._memory_waits.remove(since)
                self._changed.notify_all()

    def _must_be_evicted(self, spec: ResidualSpec) -> bool:
        """Whether an unpinned residual must leave before it is pinned again, as another waited too long."""
        if self._pins[spec] or not self._memory_waits or not self._cost(spec):
            return False
        return self._clock() - min(self._memory_waits) > EVICT_AFTER

    def _started(self) -> list[ResidualSpec]:
        """Those that are being computed, and take memory already."""
        return [spec for spec, computation in self._computations.items() if computation.started]

    def _unpin(self, spec: ResidualSpec) -> None:
        self._pins[spec] -= 1
        if not self._pins[spec]:
            del self._pins[spec]
        self._evict()
        self._changed.notify_all()

    def _evict(self) -> None:
        """Remove the least recently used unpinned residuals until all fit, with those being computed."""
        for spec in [spec for spec in self._cached if not self._pins[spec]]:
            resident = [*self._cached, *self._started()]
            if len(resident) == 1 or sum(map(self._cost, resident)) <= self.max_bytes:
                return
            del self._cached[spec]
