"""Connection to a Ray cluster: errors in plain words, and a watch on the machine that leads it.

Ray is imported here only, and only when a cluster is asked for.
"""

import atexit
import importlib
import socket
import time
from collections.abc import Callable
from typing import Any

from evaluators.errors import ClusterError

NAMESPACE = "lines-explorer"
CONNECT_SECONDS = 5.0
GONE_SECONDS = 10.0
"""Without a connection to the head, after which the cluster is given up: calls of Ray would wait for ever."""
START = "`ray start --head --disable-usage-stats` starts one, docs/scale.md says how"


def parsed_address(address: str) -> tuple[str, int]:
    """Host and port of an address. Raises: ClusterError unless it is HOST:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon or not host.strip("[]") or not port.isdigit() or not 0 < int(port) < 65536:
        raise ClusterError(f"--ray takes auto or the HOST:PORT of a cluster's head, got {address[:80]!r}.")
    return host.strip("[]"), int(port)


def reachable(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """Why nothing listens on an address; empty if something does."""
    try:
        with socket.create_connection((host, port), seconds):
            return ""
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__


class RayCluster:
    """A connected cluster. Any method may be called from any thread.

    Args:
        address: HOST:PORT of its head, or "auto" for the one that runs on this machine.
        clock: in seconds.
    Attributes:
        ray: the module.
        address: HOST:PORT of the head.
        gone: whether the head has not answered for `GONE_SECONDS`; nothing of Ray is called from then on.
    Raises: ClusterError if Ray is not installed, nothing listens there, it is another program or another
        version of Ray or Python, or this machine is no node of it.
    Cost: some seconds.
    """

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        if address != "auto" and (problem := reachable(*parsed_address(address))):
            raise ClusterError(f"No Ray cluster answers at {address}: {problem}. {START}.")
        try:
            self.ray: Any = importlib.import_module("ray")
        except ModuleNotFoundError as error:
            raise ClusterError("Ray is not installed here: pip install 'lines-explorer[ray]'.") from error
        try:
            self.ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                configure_logging=False,
                logging_level="ERROR",
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ClusterError(_reason(address, error)) from error
        self.address = str(self.ray.get_runtime_context().gcs_address)
        self.gone = False
        self._clock = clock
        self._answered = clock()

    def watch(self) -> bool:
        """Look whether the head still answers; whether the cluster may be used."""
        if not self.gone:
            if not reachable(*parsed_address(self.address), seconds=1.0):
                self._answered = self._clock()
            self.gone = self._clock() - self._answered > GONE_SECONDS
        return not self.gone

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Address and resources of the nodes that are alive, by identifier."""
        return {
            node["NodeID"]: {"address": node["NodeManagerAddress"], **node["Resources"]}
            for node in self.ray.nodes()
            if node["Alive"]
        }

    def close(self) -> None:
        """Leave the cluster, which ends this process's workers."""
        if self.gone:  # Ray would wait for the head, also at the end of the process
            atexit.unregister(self.ray.shutdown)
        else:
            self.ray.shutdown()


def _reason(address: str, error: Exception) -> str:
    said = " ".join(str(error).split())
    if "ersion mismatch" in said:
        return (
            f"The cluster at {address} runs another version: {said}. Install the same one on every machine."
        )
    if "No node info found" in said or "No node info found" in str(error.__cause__):
        return (
            f"This machine is no node of the cluster at {address}: run `ray start --address={address} "
            "--num-cpus=0` here first, or with the CPUs that it may give."
        )
    if address == "auto":
        return f"No Ray cluster runs on this machine: {START}. ({said[:200]})"
    return f"What answers at {address} is no Ray cluster that can be used: {said[:300]}"
