"""A wrong address, another program behind it, and another version each give an error that says what to do."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from evaluators.engine.lab_recipe import ROOT
from evaluators.engine.ray_cluster import _reason, stranger
from evaluators.engine.ray_link import RayLink
from evaluators.errors import ClusterError
from tests.cluster.ray_nodes import INSTALLED
from tests.deploy.starting import free_port

MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.9.3
    Python: 3.10.12
This process on node 10.0.0.7 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""

AFTER_THE_END = """
from evaluators.engine.ray_cluster import imported_ray
ray = imported_ray()
from ray._private.authentication import authentication_utils
print("token" if authentication_utils.is_token_auth_enabled() else "disabled")
ray.remote(dict).remote()
"""


@contextmanager
def listening(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port whose first caller gets an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(60)


@contextmanager
def web_server() -> Iterator[int]:
    """Python's own web server, which is no Ray either."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(60)


@pytest.mark.parametrize(
    "address", ["cluster", "127.0.0.1:", "127.0.0.1:ray", ":6379", "127.0.0.1:70000", "ray://127.0.0.1:10001"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="takes auto or the HOST:PORT of a cluster's head, got "):
        RayLink(address)


def test_a_port_without_a_listener_is_named() -> None:
    with pytest.raises(ClusterError, match=r"No Ray cluster answers at 127.0.0.1:\d+: .*refused.*ray start"):
        RayLink(f"127.0.0.1:{free_port()}")


def test_a_web_server_is_no_cluster() -> None:
    with (
        web_server() as port,
        pytest.raises(
            ClusterError, match=r"not the head of a Ray cluster: it begins with .*`ray start --head`"
        ),
    ):
        RayLink(f"127.0.0.1:{port}")


def test_a_listener_that_says_nothing_or_hangs_up_is_no_cluster() -> None:
    released = threading.Event()
    with listening(lambda connection: released.wait(60)) as port:
        assert stranger("127.0.0.1", port, seconds=0.1) == "says nothing"
        released.set()
    with listening(lambda connection: connection.recv(1000)) as port:
        assert stranger("127.0.0.1", port, seconds=60).startswith("ends the connection")


@pytest.mark.parametrize("answer", ["000012040000000000", "15030100020228"])
def test_http2_and_what_wants_encryption_may_be_ray(answer: str) -> None:
    with listening(lambda connection: connection.sendall(bytes.fromhex(answer))) as port:
        assert stranger("127.0.0.1", port, seconds=60) == ""


def test_another_version_is_named_on_both_sides() -> None:
    """Ray's own words, on one line as exceptions give them."""
    said = _reason("10.0.0.1:6379", RuntimeError(MISMATCH))
    assert "10.0.0.1:6379 runs Ray 2.9.3 on Python 3.10.12, this machine Ray 2.60.0 on Python 3.11.7" in said
    assert "install the same versions" in said


def test_a_cluster_that_asks_for_a_token_says_where_to_get_it() -> None:
    """Ray gives the cause within the words of another error."""
    error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    error.__cause__ = RuntimeError("Failed to connect to GCS: ray.exceptions.AuthenticationError: RPC error")
    assert "copy ~/.ray/auth_token from its head" in _reason("10.0.0.1:6379", error)


@pytest.mark.skipif(not INSTALLED, reason="Ray is not installed")
@pytest.mark.parametrize(("token", "mode"), [(False, "disabled"), (True, "token")])
def test_a_token_of_this_machine_is_sent_and_no_call_starts_a_cluster(
    token: bool, mode: str, tmp_path: Path
) -> None:
    if token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("a" * 32)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", AFTER_THE_END]
    ended = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert ended.stdout.split() == [mode]
    assert "Ray has not been started yet" in ended.stderr


@pytest.mark.skipif(not INSTALLED, reason="Ray is not installed")
@pytest.mark.parametrize("other", [{"ray_version": "2.9.3"}, {"python_version": "3.9.1"}])
def test_these_are_still_the_words_of_the_installed_ray(other: dict[str, str]) -> None:
    from ray._private import utils

    ray_version, python_version = utils.compute_version_info()
    metadata = {"ray_version": ray_version, "python_version": python_version} | other
    with pytest.raises(RuntimeError) as raised:
        utils.check_version_info(metadata, "node 127.0.0.1")
    said = _reason("127.0.0.1:6379", raised.value)
    there = f"Ray {metadata['ray_version']} on Python {metadata['python_version']}"
    assert f"runs {there}, this machine Ray {ray_version} on Python {python_version}: install" in said
