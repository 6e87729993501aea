"""Connection to a Ray cluster: errors in plain words, and a watch on the machine that leads it.

Ray is imported here only, and only when a cluster is asked for.
"""

import importlib
import re
import socket
import time
from collections.abc import Callable
from typing import Any

from evaluators.errors import ClusterError

NAMESPACE = "lines-explorer"
CONNECT_SECONDS = 5.0
GONE_SECONDS = 10.0
"""Without a connection to the head, after which the cluster is given up: calls of Ray would wait for ever."""
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
"""How a client begins, with an empty frame of settings (RFC 9113, section 3.4)."""
VERSIONS = re.compile(r"Ray: (\S+) Python: (\S+)")
"""In Ray's message on a mismatch: of the cluster, then of this process."""
SETTINGS, TLS_ALERT = b"\x04", b"\x15"
"""Type of the server's first frame, at its fourth byte; first byte of a server that takes TLS alone."""
START = "`ray start --head --disable-usage-stats` starts one, docs/scale.md says how"


def parsed_address(address: str) -> tuple[str, int]:
    """Host and port of an address. Raises: ClusterError unless it is HOST:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon or not host.strip("[]") or "/" in host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ClusterError(f"--ray takes auto or the HOST:PORT of a cluster's head, got {address[:80]!r}.")
    return host.strip("[]"), int(port)


def reachable(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """Why nothing listens on an address; empty if something does."""
    try:
        with socket.create_connection((host, port), seconds):
            return ""
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__


def stranger(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """What a program does that listens where Ray should; empty if it begins as Ray does, with HTTP/2.

    Ray would wait for minutes for an answer of another one.
    """
    try:
        with socket.create_connection((host, port), seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(HTTP2)
            answer = connection.recv(64)
    except TimeoutError:
        return "says nothing"
    except OSError as error:
        return f"ends the connection ({error.strerror or error})"
    if answer[3:4] == SETTINGS or answer[:1] == TLS_ALERT:
        return ""
    return f"begins with {answer[:24]!r}" if answer else "ends the connection"


def check_address(address: str) -> None:
    """Raises: ClusterError unless an address is "auto", or something listens there that may be Ray."""
    if address == "auto":
        return
    place = parsed_address(address)
    if problem := reachable(*place):
        raise ClusterError(f"No Ray cluster answers at {address}: {problem}. {START}.")
    if said := stranger(*place):
        raise ClusterError(
            f"What listens at {address} is not the head of a Ray cluster: it {said}. Give the address that "
            "`ray start --head` has printed; its port is 6379 unless --port says another."
        )


def imported_ray() -> Any:
    """The module, set for a process that joins clusters and starts none.

    A call after the end of a connection would start a cluster here. A token of this machine is sent, for
    `ray start --head` asks for it where there is one; a cluster that asks for none takes it too. Ray has no
    public names for either.
    """
    ray = importlib.import_module("ray")
    automatic: Any = importlib.import_module("ray._private.auto_init_hook")
    automatic.enable_auto_connect = False
    tokens = importlib.import_module("ray._private.authentication.authentication_token_setup")
    tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    return ray


class RayCluster:
    """A connected cluster. Any method may be called from any thread.

    Args:
        address: HOST:PORT of its head, as ``check_address`` finds it, or "auto" for the one of this machine.
        clock: in seconds.
    Attributes:
        ray: the module.
        address: HOST:PORT of the head.
        gone: whether the head has not answered for `GONE_SECONDS`; nothing of Ray is called from then on.
    Raises: ClusterError if Ray is not installed, it is another program or another version of Ray or Python,
        it asks for another token, or this machine is no node of it.
    Cost: some seconds.
    """

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            self.ray = imported_ray()
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
        except (ConnectionError, RuntimeError, ValueError, OSError, self.ray.exceptions.RayError) as error:
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
        self.ray.shutdown()


def _reason(address: str, error: Exception) -> str:
    said = " ".join(str(error).split())
    if "ersion mismatch" in said:
        there, here = (
            [f"Ray {ray} on Python {python}" for ray, python in VERSIONS.findall(said)] + 2 * [said]
        )[:2]
        return (
            f"The cluster at {address} runs {there}, this machine {here}: install the same versions of both "
            "on every machine, and start the cluster anew."
        )
    whole = f"{error!r} {error.__cause__!r}"
    if "AuthenticationError" in whole:
        return (
            f"The cluster at {address} asks for its token: copy ~/.ray/auth_token from its head to this "
            "machine, or name it in RAY_AUTH_TOKEN_PATH, and leave RAY_AUTH_MODE unset."
        )
    if "No node info found" in whole:
        return (
            f"This machine is no node of the cluster at {address}: run `ray start --address={address} "
            "--num-cpus=0` here first, or with the CPUs that it may give."
        )
    if address == "auto":
        return f"No Ray cluster runs on this machine: {START}. ({said[:200]})"
    return f"What answers at {address} is no Ray cluster that can be used: {said[:300]}"
