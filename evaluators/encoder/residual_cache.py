"""Residuals of one encoder: each is made once for all who want it, and the ones used last are kept.

Making one may take half a minute: a merge reads the weights of all its checkpoints. Who wants another waits
for that only if there is no room for both, and it ends soon after nobody wants it any more.
"""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from evaluators.errors import Preparing, Superseded
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec

CancelCheck = Callable[[], None]
"""Raises Superseded once the one who asked does not want it any more."""

CANCEL_DELAY = 0.5
"""Seconds for which one that nobody wants is made further: a visitor's newer request may want the same."""
EVICT_AFTER = 2.0
"""Seconds after which one that is not in use at the moment is given up for another that waits for room."""
_LOOK = 0.1
"""Seconds between two looks whether a request that waits is still wanted."""


def never_cancel() -> None:
    """The check of one who waits to the end."""


class _Computation:
    """A residual that is being made, or that waits for another to be made first."""

    def __init__(self) -> None:
        self.checks: list[CancelCheck] = []
        self.asked = time.monotonic()
        self.begun = False
        self.waiting = 0
        self.done = threading.Event()
        self.made: Tensor | None = None
        self.error: BaseException | None = None
        self.gone = False
        self._unwanted_since: float | None = None

    def check(self) -> None:
        """Raises: Superseded once nobody has wanted it for a while; at once if it has not been begun."""
        for check in tuple(self.checks):
            try:
                check()
            except Superseded as over:
                reason = over
            else:
                self._unwanted_since = None
                return
        now = time.monotonic()
        if self._unwanted_since is None:
            self._unwanted_since = now
        if not self.begun or now - self._unwanted_since >= CANCEL_DELAY:
            raise reason


class ResidualCache:
    """Any method may be called from any thread.

    Args:
        make: makes one, in a thread of its own; calls the check often, which raises to stop it.
        cost: bytes that one takes.
        most: bytes kept and in use at most; one is kept in any case.
    """

    def __init__(
        self,
        make: Callable[[ResidualSpec, CancelCheck], Tensor],
        cost: Callable[[ResidualSpec], int],
        most: int,
    ) -> None:
        self.most = most
        self._make = make
        self._cost = cost
        self._merging = threading.Lock()  # held over a merge, which takes all cores
        self._changed = threading.Condition()  # guards what follows, for moments only
        self._kept: OrderedDict[ResidualSpec, Tensor] = OrderedDict()
        self._used: Counter[ResidualSpec] = Counter()
        self._computations: dict[ResidualSpec, _Computation] = {}
        self._claims: list[float] = []  # since when others wait for room

    @property
    def kept(self) -> tuple[ResidualSpec, ...]:
        """Those that are kept, the one used last at the end."""
        with self._changed:
            return tuple(self._kept)

    def get(self, of: ResidualSpec) -> Tensor:
        """One, made if it is not there yet. Raises: as ``make``."""
        with self.pinned(of) as residual:
            return residual

    @contextmanager
    def pinned(
        self, of: ResidualSpec, check: CancelCheck = never_cancel, patience: float | None = None
    ) -> Iterator[Tensor]:
        """One, made if it is not there yet, that stays for the length of a ``with`` block.

        Args:
            patience: seconds to wait for it at most; it is made further all the same.
        Raises: what the check raises, within a moment; Preparing after ``patience``; and as ``make``.
        """
        residual = self._take(of, check, patience)
        try:
            yield residual
        finally:
            with self._changed:
                self._let_go(of)

    def drop(self, gone: Callable[[ResidualSpec], bool]) -> None:
        """Keep nothing more of some, nor what is being made of them."""
        with self._changed:
            for of in [one for one in self._kept if gone(one)]:
                del self._kept[of]
            for of, making in self._computations.items():
                making.gone = making.gone or gone(of)

    def evict_all(self, check: CancelCheck) -> bool:
        """Keep nothing, once nobody uses any; whether there was something.

        For whoever makes one and has not memory enough. Raises: what the check raises.
        """
        with self._claim():
            while any(self._used[one] for one in self._kept):
                check()
                self._changed.wait(_LOOK)
            there = bool(self._kept)
            self._kept.clear()
        return there

    def _take(self, of: ResidualSpec, check: CancelCheck, patience: float | None) -> Tensor:
        """One that counts as used from now on."""
        asked = time.monotonic()
        until = asked + (math.inf if patience is None else patience)
        while True:
            with self._changed:
                while of in self._kept and self._claimed(of):
                    _go_on(check, until, asked)
                    self._changed.wait(_LOOK)
                if of in self._kept:
                    self._used[of] += 1
                    self._kept.move_to_end(of)
                    return self._kept[of]
                making = self._join(of, check)
            try:
                while not making.done.wait(_LOOK):
                    _go_on(check, until, making.asked)
            except BaseException:
                with self._changed:
                    making.waiting -= 1
                    if making.made is not None:  # at the last moment
                        self._let_go(of)
                raise
            if making.made is not None:
                return making.made
            check()
            assert making.error is not None
            if not isinstance(making.error, Superseded):  # else it was given up just before this one came
                raise making.error

    def _join(self, of: ResidualSpec, check: CancelCheck) -> _Computation:
        making = self._computations.get(of)
        if making is None:
            making = _Computation()
            threading.Thread(target=self._run, args=(of, making), name="residual", daemon=True).start()
            self._computations[of] = making  # which that thread sees once the lock is free
        making.checks.append(check)
        making.waiting += 1
        return making

    @torch.no_grad()
    def _run(self, of: ResidualSpec, making: _Computation) -> None:
        with self._merging if isinstance(of, MergeSpec) else nullcontext():
            try:
                self._begin(of, making)
                made = self._make(of, making.check)
            except BaseException as error:  # noqa: BLE001 -- raised by those who wait for it
                self._end(of, making, None, error)
            else:
                self._end(of, making, made, None)

    def _end(
        self, of: ResidualSpec, making: _Computation, made: Tensor | None, error: BaseException | None
    ) -> None:
        with self._changed:
            del self._computations[of]
            making.made, making.error = made, error
            if made is not None:
                self._used.update({of: making.waiting} if making.waiting else {})
                if not making.gone:
                    self._kept[of] = made
                self._shrink()
            making.done.set()
            self._changed.notify_all()

    def _begin(self, of: ResidualSpec, making: _Computation) -> None:
        """Wait until there is room for one more. Raises: Superseded if nobody wants it before that."""
        with self._claim():
            while True:
                making.check()
                busy = [one for one in self._kept if self._used[one]] + self._begun()
                if not busy or self._costs(busy) + self._cost(of) <= self.most:
                    break
                self._changed.wait(_LOOK)
            making.begun = True
            self._shrink()

    @contextmanager
    def _claim(self) -> Iterator[None]:
        """Hold the lock, and say for how long room has been waited for."""
        with self._changed:
            since = time.monotonic()
            self._claims.append(since)
            try:
                yield
            finally:
                self._claims.remove(since)
                self._changed.notify_all()

    def _claimed(self, of: ResidualSpec) -> bool:
        """Whether one that nobody uses just now is to make room for one that has waited for it for long."""
        if self._used[of] or not self._claims or not self._cost(of):
            return False
        return time.monotonic() - min(self._claims) > EVICT_AFTER

    def _begun(self) -> list[ResidualSpec]:
        """Those that are being made, and take memory already."""
        return [one for one, making in self._computations.items() if making.begun]

    def _costs(self, of: Iterable[ResidualSpec]) -> int:
        return sum(map(self._cost, of))

    def _let_go(self, of: ResidualSpec) -> None:
        self._used[of] -= 1
        if not self._used[of]:
            del self._used[of]
        self._shrink()
        self._changed.notify_all()

    def _shrink(self) -> None:
        """Give up what was used longest ago, until the others fit, with what is being made."""
        for one in [one for one in self._kept if not self._used[one]]:
            left = [*self._kept, *self._begun()]
            if len(left) == 1 or self._costs(left) <= self.most:
                return
            del self._kept[one]


def _go_on(check: CancelCheck, until: float, since: float) -> None:
    """Raises: what the check raises; Preparing at the end of the patience."""
    check()
    now = time.monotonic()
    if now >= until:
        raise Preparing(f"The weights have been in the making for {now - since:.0f} s.", seconds=now - since)
