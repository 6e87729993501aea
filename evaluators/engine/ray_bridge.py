"""Process between the app and a Ray cluster, started by ``ray_link.py``.

Ray aborts a process whose cluster is lost, or was replaced by another one at its address. Here that ends this
process alone: the app counts by itself and starts another one. Messages are pickled, over a socket that only
the two have.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import LabRecipe
from evaluators.engine.ray_cluster import RayCluster
from evaluators.engine.ray_pool import RayPool
from evaluators.engine.ray_worker import POLL
from evaluators.engine.worker_status import PoolState
from evaluators.errors import ClusterError
from lines_core.errors import LinesError

MOST_AT_ONCE = 1024
"""Chunks that are counted at once."""


class RayBridge:
    """Counts what the app asks for, and tells it how the workers are."""

    def __init__(self, channel: Connection, pool: RayPool) -> None:
        self._channel = channel
        self._pool = pool
        self._mutex = threading.Lock()  # guards what follows, and sending
        self._told: PoolState | None = None

    def serve(self) -> None:
        """Answer until the app ends or closes its end."""
        pool = self._pool
        pool.on_change = lambda ready: self._tell()
        self._tell()
        threading.Thread(target=self._watch, name="bridge state", daemon=True).start()
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="bridge") as threads:
            try:
                while True:
                    threads.submit(self._answer, *self._channel.recv())
            except (EOFError, OSError):
                pool.close()

    def _answer(self, number: int, recipe: LabRecipe, order: bytes) -> None:
        try:
            answer: ChunkCounts | LinesError = self._pool.count(recipe, order)
        except LinesError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 -- or the app would wait for ever
            answer = ClusterError(f"The connection to the cluster has failed: {error!r:.300}")
        self._send((number, answer))

    def _watch(self) -> None:
        """Tell what has changed once a second; end the process when the head is gone."""
        pause = threading.Event()
        while not self._pool.gone:
            self._tell()
            pause.wait(POLL)
        self._tell()
        os._exit(1)  # Ray would wait for the head

    def _tell(self) -> None:
        pool = self._pool
        state = PoolState(pool.address, pool.device, pool.ready, pool.problem, pool.status())
        if state != self._told:
            self._told = state
            self._send(state)

    def _send(self, message: object) -> None:
        with self._mutex:
            try:
                self._channel.send(message)
            except OSError:
                os._exit(0)  # the app has ended, and with this process its workers end


def main(arguments: Sequence[str]) -> int:
    """Join the cluster, or say why not, and serve.

    Args:
        arguments: number of the socket's file, address of the cluster, device and cores as for ``RayPool``.
    Returns: 0 once the app has closed its end, 1 if the cluster cannot be joined.
    """
    descriptor, address, device, cores = arguments
    threading.Thread(target=_end_with, args=[os.getppid()], name="bridge end", daemon=True).start()
    channel = Connection(int(descriptor))
    try:
        pool = RayPool(RayCluster(address), device, int(cores))
    except ClusterError as error:
        channel.send(error)
        return 1
    RayBridge(channel, pool).serve()
    return 0


def _end_with(app: int) -> None:
    """End this process with the app, also while Ray waits for an answer. Thread: its own."""
    pause = threading.Event()
    while os.getppid() == app:
        pause.wait(POLL)
    os._exit(0)
