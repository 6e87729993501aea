"""The app's connection to a Ray cluster, which it joins again when the cluster comes back.

Ray itself is in a process of its own, ``ray_bridge.py``: whatever ends it there leaves the app as it is.
"""

import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from tempfile import TemporaryFile
from typing import IO, Any

from evaluators.engine.counting_worker import ChunkOrder, pickled_order
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import ROOT, LabRecipe
from evaluators.engine.ray_cluster import check_address, parsed_address, reachable
from evaluators.engine.ray_pool import CORES, NoWorkers
from evaluators.engine.worker_status import PoolState, WorkerStatus
from evaluators.errors import ClusterError
from lines_core.errors import LinesError

JOIN_SECONDS = 120.0
"""For a cluster to take this process in; Ray itself waits for some answers for ever."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries to join a lost cluster again: twice as long each time."""
CLOSE_SECONDS = 5.0
PROGRAM = (
    "import sys; sys.path[0] = sys.argv[1]; "
    "from evaluators.engine.ray_bridge import main; sys.exit(main(sys.argv[2:]))"
)


class RayLink:
    """The workers of a cluster, as long as it is there. Any method may be called from any thread.

    Args:
        address: HOST:PORT of its head, or "auto" for the one that runs on this machine.
        device, cores: as for ``RayPool``.
    Attributes:
        device: kind of device that the workers count on.
        on_change: called with the number of workers that are ready whenever it changes.
        sent: bytes of orders so far, and how many there were.
    Raises: ClusterError as ``check_address`` and ``RayCluster``.
    Cost: some seconds.
    """

    def __init__(self, address: str, device: str = "auto", cores: int = CORES) -> None:
        self.on_change: Callable[[int], None] = lambda ready: None
        self.sent = Counter[str]()
        self._cores = cores
        self._changed = threading.Condition()  # guards what follows
        self._asked: dict[int, Future[ChunkCounts | LinesError]] = {}  # by number of the message
        self._numbers = count()
        self._bridge = _Bridge(address, device, cores)
        self._state = self._bridge.state
        self.device = self._state.device
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="ray link", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> int:
        """Workers that may count."""
        return self._state.ready

    @property
    def problem(self) -> str:
        """Why this process counts for itself; empty while a worker may count."""
        return self._state.problem

    def status(self) -> tuple[WorkerStatus, ...]:
        """The workers, in the order in which they were started, of a second ago at most."""
        return self._state.workers

    def wait(self, seconds: float) -> bool:
        """Wait so long for the first worker at most; whether there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state.ready > 0, seconds)

    def count(self, recipe: LabRecipe, order: ChunkOrder) -> ChunkCounts:
        """The counts of one chunk, by whichever worker is free first.

        Raises: NoWorkers if none is left; ClusterError if several died over it; the error that a file or a
            device gave there.
        """
        packed = pickled_order(order)
        with self._changed:
            if not self._state.ready:
                raise NoWorkers(self._state.problem)
            bridge, number, answer = self._bridge, next(self._numbers), Future[ChunkCounts | LinesError]()
            self._asked[number] = answer
            self.sent.update(orders=1, bytes=len(packed))
        bridge.send((number, recipe, packed))
        found = answer.result()
        if isinstance(found, LinesError):
            raise found
        return found

    def close(self) -> None:
        """End the workers, and this process's connection."""
        self._closed.set()
        self._bridge.end()
        self._thread.join(CLOSE_SECONDS)

    def _follow(self) -> None:
        """Pass on what the bridge says; when it ends, start another one once the cluster is there again."""
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            began = time.monotonic()
            for message in self._bridge.messages():
                self._hear(message)
            self._give_up()
            if time.monotonic() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            while not self._closed.wait(pause) and not self._joined_again():
                pause = min(2 * pause, LONGEST_PAUSE)
        self._bridge.end()  # one that was started meanwhile

    def _hear(self, message: Any) -> None:
        if isinstance(message, PoolState):
            self._set(message)
            return
        number, answer = message
        with self._changed:
            asked = self._asked.pop(number)
        asked.set_result(answer)

    def _give_up(self) -> None:
        """Say that the workers are away, also to those who wait for counts."""
        address = self._state.address
        lost = f"The Ray cluster at {address} does not answer any more. It is joined again when it does."
        self._set(PoolState(address, self.device, problem=lost))
        with self._changed:
            asked, self._asked = self._asked, {}
        for answer in asked.values():
            answer.set_result(NoWorkers(lost))

    def _set(self, state: PoolState) -> None:
        with self._changed:
            before, self._state = self._state.ready, state
            self._changed.notify_all()
        if state.ready != before:
            self.on_change(state.ready)

    def _joined_again(self) -> bool:
        address = self._state.address
        if reachable(*parsed_address(address), seconds=1.0):
            return False
        try:
            self._bridge = _Bridge(address, self.device, self._cores)
        except ClusterError as error:
            self._set(PoolState(address, self.device, problem=str(error)))
            return False
        self._set(self._bridge.state)
        return True


class _Bridge:
    """A process that has joined the cluster.

    Attributes:
        state: of the workers when it had.
    Raises: ClusterError if it could not.
    """

    def __init__(self, address: str, device: str, cores: int) -> None:
        check_address(address)
        ours, theirs = socket.socketpair()
        self._channel: Connection[Any, Any] = Connection(ours.detach())
        self._sending = threading.Lock()
        with theirs, TemporaryFile() as said:
            arguments = [str(ROOT), str(theirs.fileno()), address, device, str(cores)]
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C is for the app, which then ends this one
            )
            theirs.close()
            first = self._first(address, said)
        if isinstance(first, ClusterError):
            self._process.kill()
            self._process.wait()
            self._channel.close()
            raise first
        self.state: PoolState = first

    def send(self, message: object) -> None:
        """Send a message; nothing if the process has ended."""
        with self._sending, suppress(OSError):
            self._channel.send(message)

    def messages(self) -> Iterator[Any]:
        """What the process says until it ends."""
        with self._channel, suppress(EOFError, OSError):
            while True:
                yield self._channel.recv()
        self.end()

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _first(self, address: str, said: IO[bytes]) -> Any:
        """Its first message, or an error if it has none."""
        try:
            if self._channel.poll(JOIN_SECONDS):
                return self._channel.recv()
            problem = f"it has not answered for {JOIN_SECONDS:.0f} s"
        except (EOFError, OSError):
            said.seek(0)
            problem = said.read().decode(errors="replace").strip().rpartition("\n")[2][:300]
        return ClusterError(f"The Ray cluster at {address} cannot be joined: {problem}.")
