"""Workers of a Ray cluster: one for each GPU, or for so many cores, of every node, as nodes come and go.

A chunk goes to any free worker. A worker that dies gives its chunk back, and another takes its place; a node
that joins later gets workers within seconds.
"""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import count
from typing import Any

from evaluators.engine.counting_worker import WorkerFacts, pickled_recipe
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import ROOT, LabRecipe, code_identity
from evaluators.engine.ray_cluster import RayCluster
from evaluators.engine.ray_worker import POLL, RayWorker, WorkerLost, actor_class, last_line
from evaluators.engine.worker_status import READY, REFUSED, STARTING, WorkerStatus
from evaluators.errors import ClusterError
from lines_core.errors import LinesError

TRIES = 3
"""Workers that may die over one chunk, or at the start on one node, before it is given up."""
SAME_VERSION = "install the same version of the explorer, torch and Ray everywhere, and start anew."
CORES = 4
"""Cores of a worker without a GPU, or all of its node if that has fewer."""


class NoWorkers(ClusterError):
    """No worker can count this; the message says why."""


class RayPool:
    """The workers. Any method may be called from any thread.

    Args:
        cluster: connected.
        device: kind of device to count on; "auto" for GPUs if any node has one.
        cores: of a worker without a GPU.
    Attributes:
        device: that was chosen.
        on_change: called with the number of workers that are ready whenever it changes.
    """

    def __init__(self, cluster: RayCluster, device: str = "auto", cores: int = CORES) -> None:
        self._cluster = cluster
        gpus = any(node.get("GPU") for node in cluster.nodes().values())
        self.device = ("cuda" if gpus else "cpu") if device == "auto" else device
        self.on_change: Callable[[int], None] = lambda ready: None
        self._cores = cores
        self._changed = threading.Condition()  # guards what follows
        self._workers: list[RayWorker] = []
        self._failed_starts: Counter[str] = Counter()  # by node
        self._numbers = count(1)
        self._worker_class = cluster.ray.remote(actor_class(str(ROOT)))
        self._told = 0
        self._closed = threading.Event()
        work = (self._keep, self._watch)
        self._threads = [threading.Thread(target=one, name="ray workers", daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    @property
    def ready(self) -> int:
        """Workers that may count."""
        with self._changed:
            return 0 if self._cluster.gone else sum(one.state == READY for one in self._workers)

    @property
    def address(self) -> str:
        """HOST:PORT of the cluster's head."""
        return self._cluster.address

    @property
    def gone(self) -> bool:
        """Whether the cluster's head does not answer any more; this process ends by ``os._exit`` then."""
        return self._cluster.gone

    @property
    def problem(self) -> str:
        """Why this process counts for itself; empty while a worker may count."""
        if self.ready:
            return ""
        if self._cluster.gone:
            return f"The Ray cluster at {self._cluster.address} does not answer any more."
        with self._changed:
            reasons = [worker.problem for worker in self._workers if worker.problem]
            waiting = sum(worker.state == STARTING for worker in self._workers)
        if reasons:
            return reasons[0]
        none = f"No worker of the Ray cluster at {self._cluster.address} is ready"
        if not waiting:
            return f"{none}."
        return (
            f"{none}: {waiting} cannot start yet. Another page or sweep keeps what it counts on until it "
            f"ends: `ray status --address={self._cluster.address}` shows what is in use."
        )

    def status(self) -> tuple[WorkerStatus, ...]:
        """The workers, in the order in which they were started."""
        with self._changed:
            return tuple(worker.status for worker in self._workers)

    def count(self, recipe: LabRecipe, order: bytes) -> ChunkCounts:
        """The counts of one chunk, by whichever worker is free first.

        Args:
            order: a pickled ``ChunkOrder`` of the recipe's lab.
        Raises: NoWorkers if none is left; ClusterError if several died over it; the error that a file or a
            device gave there.
        """
        lost: list[str] = []
        while len(lost) < TRIES:
            worker = self._take(recipe.content)
            try:
                if self._open(worker, recipe):
                    answer = self._call(worker, "count", order)
                    if isinstance(answer, LinesError):
                        raise answer
                    assert isinstance(answer, ChunkCounts)
                    worker.counted += 1
                    return answer
            except WorkerLost as error:
                lost.append(str(error))
                self._drop(worker)
            finally:
                self._release(worker)
        raise ClusterError(f"{TRIES} workers in a row ended while they counted the same images: {lost[-1]}")

    def close(self) -> None:
        """End the workers."""
        self._closed.set()
        with self._changed:
            self._workers.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(2 * POLL)
        self._cluster.close()

    # Chunks

    def _take(self, content: str) -> RayWorker:
        """A free worker, which is busy from now on. Raises: NoWorkers."""
        with self._changed:
            while True:
                ready = [one for one in self._workers if one.state == READY and content not in one.cannot]
                if not ready:
                    reasons = [reason for one in self._workers if (reason := one.cannot.get(content))]
                    raise NoWorkers(reasons[0] if reasons else "No worker is ready.")
                free = [worker for worker in ready if not worker.busy]
                if free:
                    worker = min(free, key=lambda one: (content not in one.opened, one.counted))
                    worker.busy = True
                    return worker
                self._changed.wait(POLL)

    def _release(self, worker: RayWorker) -> None:
        with self._changed:
            worker.busy = False
            self._changed.notify_all()

    def _open(self, worker: RayWorker, recipe: LabRecipe) -> bool:
        """Open the lab in a worker; whether it could. Raises: WorkerLost."""
        if recipe.content not in worker.opened:
            error = self._call(worker, "open", pickled_recipe(recipe))
            if isinstance(error, LinesError):
                worker.cannot[recipe.content] = f"{worker.name} on {worker.address}: {error}"
                return False
            worker.opened.add(recipe.content)
        return True

    def _call(self, worker: RayWorker, method: str, argument: bytes) -> Any:
        """What a method of a worker returns. Raises: WorkerLost; ClusterError for a bug there."""
        return worker.call(self._cluster.ray, method, argument, lambda: self._is_lost(worker))

    def _is_lost(self, worker: RayWorker) -> bool:
        return self._cluster.gone or worker not in self._workers

    # Workers

    def _watch(self) -> None:
        """Drop all workers once the head is gone. Thread: its own, as a call of Ray may then never return."""
        while self._cluster.watch():
            if self._closed.wait(POLL):
                return
        for worker in tuple(self._workers):
            self._drop(worker)
        self._tell()

    def _keep(self) -> None:
        """Look at the nodes again and again. Thread: its own."""
        errors = self._cluster.ray.exceptions
        while not self._cluster.gone:
            # a head that is about to leave fails in many ways: the next look says that it has left
            with suppress(errors.RayError, ConnectionError, RuntimeError, ValueError):
                self._renew(self._cluster.nodes())
                self._greet()
            self._tell()
            if self._closed.wait(POLL):
                return

    def _tell(self) -> None:
        """Say how many workers are ready, if it is another number than before."""
        ready = self.ready
        if ready != self._told:
            self._told = ready
            self.on_change(ready)

    def _renew(self, nodes: dict[str, dict[str, Any]]) -> None:
        """Drop the workers of nodes that have left, and start those that are missing."""
        for worker in tuple(self._workers):
            if worker.node not in nodes:
                self._drop(worker)
        there = Counter(worker.node for worker in self._workers)
        for node, resources in nodes.items():
            for _ in range(self._wanted(resources) - there[node]):
                if self._failed_starts[node] < TRIES and not (self._cluster.gone or self._closed.is_set()):
                    self._start(node, resources)

    def _wanted(self, resources: dict[str, Any]) -> int:
        if self.device != "cpu":
            return int(resources.get("GPU", 0))
        cores = int(resources.get("CPU", 0))
        return cores // min(self._cores, cores) if cores else 0

    def _start(self, node: str, resources: dict[str, Any]) -> None:
        cores = 0 if self.device != "cpu" else min(self._cores, int(resources["CPU"]))
        strategies = import_module("ray.util.scheduling_strategies")
        place = strategies.NodeAffinitySchedulingStrategy(node_id=node, soft=False)
        options = {"num_cpus": cores, "num_gpus": int(self.device != "cpu"), "scheduling_strategy": place}
        actor = self._worker_class.options(max_restarts=0, **options).remote(self.device, cores)
        name = f"worker-{next(self._numbers)}"
        with self._changed:
            self._workers.append(RayWorker(name, node, resources["address"], self.device, actor))

    def _greet(self) -> None:
        """Let workers count that have started and are of this version."""
        ray = self._cluster.ray
        for worker in tuple(self._workers):
            if worker.state != STARTING or not ray.wait([worker.greeting], timeout=0)[0]:
                continue
            try:
                facts: WorkerFacts = ray.get(worker.greeting)
            except ray.exceptions.RayTaskError as error:
                self._refuse(worker, f"cannot start: {last_line(error)}")
            except ray.exceptions.RayError:
                self._failed_starts[worker.node] += 1
                self._drop(worker)
            else:
                if facts.code != code_identity():
                    codes = f"({facts.code}) than this machine ({code_identity()})"
                    self._refuse(worker, f"runs other code {codes}: {SAME_VERSION}")
                    continue
                with self._changed:
                    worker.state = READY
                    self._changed.notify_all()

    def _refuse(self, worker: RayWorker, reason: str) -> None:
        with self._changed:
            worker.state, worker.problem = REFUSED, f"The worker on {worker.address} {reason}"
            self._changed.notify_all()

    def _drop(self, worker: RayWorker) -> None:
        with self._changed:
            if worker in self._workers:
                self._workers.remove(worker)
            self._changed.notify_all()
