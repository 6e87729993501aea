"""A worker of a Ray cluster: its class, which travels there, and what this process knows of it."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from evaluators.engine.worker_status import STARTING, WorkerStatus
from evaluators.errors import ClusterError

POLL = 1.0
"""Seconds between two looks at the cluster, and at a chunk that takes long."""


class WorkerLost(Exception):
    """A worker has died, or its node has left."""


class RayWorker:
    """A worker as this process sees it; guarded by the pool's lock."""

    def __init__(self, name: str, node: str, address: str, device: str, actor: Any) -> None:
        self.name, self.node, self.address, self.device, self.actor = name, node, address, device, actor
        self.state = STARTING
        self.greeting = actor.hello.remote()
        self.busy = False
        self.opened: set[str] = set()
        self.cannot: dict[str, str] = {}  # reasons by the content of the lab
        self.counted = 0
        self.problem = ""

    @property
    def status(self) -> WorkerStatus:
        """For /health."""
        problem = self.problem or next(iter(self.cannot.values()), "")
        return WorkerStatus(self.name, self.address, self.device, self.state, self.counted, problem)

    def call(self, ray: Any, method: str, argument: bytes, lost: Callable[[], bool]) -> Any:
        """What a method returns.

        Args:
            lost: whether it is known by now that no answer will come.
        Raises: WorkerLost; ClusterError for a bug in the worker.
        """
        try:
            answer = getattr(self.actor, method).remote(argument)
            while not ray.wait([answer], timeout=POLL)[0]:
                if lost():
                    raise WorkerLost("its node has left the cluster.")
            return ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise ClusterError(f"{self.name} on {self.address} has failed: {last_line(error)}") from error
        except ray.exceptions.RayError as error:
            raise WorkerLost(" ".join(str(error).split())[:300]) from error


def last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]


def actor_class(root: str) -> type:
    """The class of a worker. It travels by value, so that it can say what is missing where it arrives.

    Args:
        root: of this installation; the worker's machine has it at the same place, or installed.
    """

    class LinesWorker:
        def __init__(self, device: str, cores: int) -> None:
            if root not in sys.path:
                sys.path.insert(0, root)
            self._arguments = device, cores

        def hello(self) -> Any:
            module = import_module("evaluators.engine.counting_worker")
            self._worker = module.CountingWorker(*self._arguments, import_module("ray").get_gpu_ids())
            return self._worker.facts

        def open(self, recipe: bytes) -> Any:
            return self._worker.open(recipe)

        def count(self, order: bytes) -> Any:
            return self._worker.count(order)

    return LinesWorker
