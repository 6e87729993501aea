"""A real Ray cluster of several nodes on this machine: loopback addresses only, a core and 100 MB each."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.deploy.starting import free_port
from tests.waiting import WATCHDOG

ATTEMPTS = 4
"""Starts of a node: Ray gives up after half a minute, which a busy machine may exceed."""
HEAD, NODE = "127.0.0.2", "127.0.0.3"
"""Loopback addresses that Ray takes as they are; for 127.0.0.1 it would use the machine's own address."""
AGENTS = ("metrics-export", "dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent")
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_TOKEN": "a" * 32,
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_worker_niceness": "0",  # at Ray's 15 the workers would starve beside other tests
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
INSTALLED = importlib.util.find_spec("ray") is not None


class RayNodes:
    """The nodes that ``start`` has started; ``close`` ends all of their processes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ln", dir="/tmp"))  # Ray's socket names must stay short
        self.port = free_port()
        self.environment = os.environ | ENVIRONMENT
        self._nodes: list[set[psutil.Process]] = []

    @property
    def address(self) -> str:
        """Of the head."""
        return f"{HEAD}:{self.port}"

    def start(self, gpus: int = 0) -> int:
        """Start a node with a core, the head first. Returns: its number.

        Args:
            gpus: that Ray is to believe it has.
        """
        role = ["--address", self.address]
        if not self._nodes:
            role = ["--head", "--port", f"{self.port}", "--include-dashboard=False", "--disable-usage-stats"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *role]
        command += [
            "--node-ip-address",
            HEAD if role[0] == "--head" else NODE,
            "--num-cpus",
            "1",
            "--num-gpus",
            f"{gpus}",
            "--temp-dir",
            str(self.folder),
        ]
        command += ["--object-store-memory", f"{100 << 20}", "--include-log-monitor=False"]
        for agent in AGENTS:  # a node that has to wait for the ports that its agents choose gives up early
            command += [f"--{agent}-port", f"{free_port()}"]
        said = ""
        for _ in range(ATTEMPTS):
            before = self._processes()
            started, said = self._run(command)
            new = set(self._processes()) - set(before)
            if started:
                self._nodes.append(new)
                return len(self._nodes) - 1
            _kill(new)
        raise RuntimeError(f"Ray does not start here:\n{said}")

    def _run(self, command: Sequence[str]) -> tuple[bool, str]:
        """Whether a command of Ray ends well, and what it says. Nodes would keep a pipe open, not a file."""
        with tempfile.TemporaryFile(dir=self.folder) as said:
            environment = self.environment | {"RAY_AUTH_MODE": "token"}
            try:
                code = subprocess.run(
                    command, env=environment, stdout=said, stderr=said, timeout=WATCHDOG / 2
                ).returncode
            except subprocess.TimeoutExpired as late:
                code, _ = 1, said.write(str(late).encode())
            said.seek(0)
            return code == 0, said.read().decode(errors="replace")

    def kill(self, node: int) -> None:
        """End a node as a machine that loses its power does: every process of it at once."""
        children: set[psutil.Process] = set()
        for process in self._nodes[node]:
            with suppress(psutil.Error):
                children |= set(process.children(recursive=True))
        _kill(self._nodes[node] | children)

    def start_again(self) -> None:
        """Start a head where the one was that is dead by now."""
        self._nodes.clear()
        self.start()

    def kill_all(self) -> None:
        """End every node at once."""
        _kill(self._all())

    def workers(self) -> list[psutil.Process]:
        """The processes that count."""
        found = []
        for process in self._all():
            with suppress(psutil.Error):  # it has ended just now
                if process.name().startswith("ray::Lines"):
                    found.append(process)
        return found

    def remote_addresses(self) -> set[str]:
        """Addresses that any process of the cluster is connected to."""
        found = set()
        for process in self._all():
            with suppress(psutil.Error):
                found |= {one.raddr.ip for one in process.net_connections("inet") if one.raddr}
        return found

    def close(self) -> None:
        """End everything."""
        self.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _processes(self) -> list[psutil.Process]:
        """Those that ``ray start`` leaves behind."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.folder) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _all(self) -> set[psutil.Process]:
        found = set(self._processes())
        for process in tuple(found):
            with suppress(psutil.Error):
                found |= set(process.children(recursive=True))
        return {process for process in found if process.is_running()}


def _kill(processes: Iterable[psutil.Process]) -> None:
    """End processes, unless others have their numbers by now."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def loopback(addresses: set[str]) -> bool:
    """Whether all addresses are of this machine's loopback."""
    return all(re.fullmatch(r"(::ffff:)?127\..*|::1", address) for address in addresses)
