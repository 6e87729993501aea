"""A lock that serves whoever has waited longest, so that visitors take turns chunk by chunk."""

import threading
from collections import deque
from types import TracebackType


class TurnLock:
    """Mutual exclusion in order of arrival; used as ``with lock:``. Not reentrant.

    ``threading.Lock`` promises no order: one thread that releases and takes it again in a loop can keep
    all others waiting for as long as it likes.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:  # interrupted while waiting: leave the queue, or hand on a turn just given
            with self._mutex:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._pass_on()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()  # stays held: it changes hands
        else:
            self._held = False
