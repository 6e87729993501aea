"""State of a worker that counts in another process, for /health, /metrics and messages."""

from dataclasses import dataclass
from typing import NamedTuple

STARTING, READY, REFUSED = "starting", "ready", "refused"
WORKER_STATES = (STARTING, READY, REFUSED)


@dataclass(frozen=True)
class WorkerStatus:
    """One worker.

    Args:
        name: of the worker, unique while the app runs.
        node: address of its machine in the cluster.
        device: kind of device that it counts on.
        state: "starting", "ready", or "refused" if it may not be used.
        counted: chunks so far.
        problem: why it may not be used, or not for some model; empty otherwise.
    """

    name: str
    node: str
    device: str
    state: str
    counted: int
    problem: str = ""


class PoolState(NamedTuple):
    """The workers of a cluster at one moment.

    Args:
        address: HOST:PORT of the cluster's head.
        device: kind of device that they count on.
        ready: workers that may count.
        problem: why none may; empty if one may.
        workers: in the order in which they were started.
    """

    address: str
    device: str
    ready: int = 0
    problem: str = ""
    workers: tuple[WorkerStatus, ...] = ()
