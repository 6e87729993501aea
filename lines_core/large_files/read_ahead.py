"""Iteration whose next items are made by another thread, so that reading, arithmetic and writing overlap."""

import threading
from collections.abc import Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar, cast

Item = TypeVar("Item")
_POLL = 0.1
_END = object()


def read_ahead(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """The items in order; up to ``ahead`` of them are made before they are asked for.

    Whoever stops early closes the iterator: the thread then ends after the item it is at.

    Raises: what making the items raises, where the item would have come.

    >>> list(read_ahead(range(3)))
    [0, 1, 2]
    """
    queue: Queue[tuple[object, BaseException | None]] = Queue(ahead)
    stopped = threading.Event()

    def put(item: object, error: BaseException | None = None) -> bool:
        while not stopped.is_set():
            try:
                queue.put((item, error), timeout=_POLL)
                return True
            except Full:
                pass
        return False

    def make() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                if not put(item):
                    break
            put(_END)
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks for the item
            put(_END, error)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    thread = threading.Thread(target=make, name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield cast(Item, item)
    finally:
        stopped.set()
        thread.join()
