"""A real Ray cluster of several nodes on this machine: loopback addresses only, a core and 100 MB each."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.deploy.starting import free_port
from tests.waiting import soon

WATCHDOG = 300.0
ATTEMPTS = 4
"""Starts of a node: Ray gives up after half a minute, which a busy machine may exceed."""
HEAD, NODE = "127.0.0.2", "127.0.0.3"
"""Loopback addresses that Ray takes as they are; for 127.0.0.1 it would use the machine's own address."""
AGENTS = ("metrics-export", "dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent")
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_TOKEN": "a" * 32,
    "RAY_raylet_start_wait_time_s": "120",
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
        self._nodes: list[set[int]] = []

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
            started = subprocess.run(
                command, env=self.environment | {"RAY_AUTH_MODE": "token"}, capture_output=True, text=True
            )
            new = {process.pid for process in self._processes()} - {process.pid for process in before}
            if started.returncode == 0:
                self._nodes.append(new)
                return len(self._nodes) - 1
            said = started.stdout + started.stderr
            _kill(new)
        raise RuntimeError(f"Ray does not start here:\n{said}")

    def kill(self, node: int) -> None:
        """End a node as a machine that loses its power does: every process of it at once."""
        children: set[int] = set()
        for pid in self._nodes[node]:
            with suppress(psutil.Error):
                children |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
        _kill(self._nodes[node] | children)

    def start_again(self) -> None:
        """Start a head where the one was that is dead by now."""
        self._nodes.clear()
        self.start()

    def kill_all(self) -> None:
        """End every node at once."""
        _kill({process.pid for process in self._all()})

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

    def _all(self) -> list[psutil.Process]:
        found = {process.pid: process for process in self._processes()}
        for process in tuple(found.values()):
            with suppress(psutil.Error):
                found |= {child.pid: child for child in process.children(recursive=True)}
        return [process for process in found.values() if process.is_running()]


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], object], process: "subprocess.Popen[str] | None" = None) -> None:
    """Wait until ``condition()`` holds. Raises: AssertionError if the process ends before, or never."""

    def held() -> bool:
        if condition():
            return True
        assert process is None or process.poll() is None, "the process has ended"
        return False

    soon(held, WATCHDOG)


def driver(nodes: RayNodes, folder: Path, code: str, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    """A Python process beside the cluster, with a folder to work in; it is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=nodes.environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(2 * WATCHDOG, process.kill)
    watchdog.daemon = True
    watchdog.start()
    return process


def loopback(addresses: set[str]) -> bool:
    """Whether all addresses are of this machine's loopback."""
    return all(re.fullmatch(r"(::ffff:)?127\..*|::1", address) for address in addresses)
