"""Latest wins: which request of a visitor is the newest."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Hashable

from evaluators.errors import Superseded

VISITORS_KEPT = 4096


class LatestRequests:
    """Numbers the requests of every visitor. Any method may be called from any thread.

    Visitors who asked longest ago are forgotten; a request of theirs that still runs then goes on.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._latest: OrderedDict[Hashable, int] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Visitors remembered."""
        return len(self._latest)

    def announce(self, visitor: Hashable | None) -> int:
        """The number of a new request, which takes the place of the visitor's older ones; None has none."""
        with self._mutex:
            number = next(self._numbers)
            if visitor is not None:
                self._latest[visitor] = number
                self._latest.move_to_end(visitor)
                while len(self._latest) > VISITORS_KEPT:
                    self._latest.popitem(last=False)
        return number

    def check(self, visitor: Hashable | None, number: int) -> None:
        """Raises: Superseded if the visitor has announced a newer request."""
        with self._mutex:
            latest = self._latest.get(visitor, number)
        if latest != number:
            raise Superseded("A newer request of the same visitor took the place of this one.")
