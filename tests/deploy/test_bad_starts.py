"""A program that is started wrongly says so in one line, exits with code 2, and leaves nothing behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.starting import free_port
from tests.paths import ROOT
from tests.waiting import WATCHDOG

APP = ("app.py",)
LINES = ("-m", "lines_cli")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def start(command: tuple[str, ...], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program run to its end, with its temporary files in a folder of the test."""
    own = {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "", **environment}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=WATCHDOG,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """The one line that the program wrote."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert not list(folder.glob("lines-*"))
    return done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((*APP, "--port", "abc"), "--port: expected a port from 1 to 65535, got 'abc'"),
        ((*APP, "--port", "70000"), "--port: expected a port from 1 to 65535, got '70000'"),
        ((*APP, "--host", "nowhere.invalid"), "expected a --host that is an address of this machine"),
        ((*APP, "--shutdown-seconds", "nan"), "expected a number of seconds above 0, got 'nan'"),
        ((*LINES, "app", "--task", "Things"), "--task: expected NAME=PATH, got 'Things'"),
        ((*APP, "--fast"), "unrecognized arguments: --fast (`app.py --help` lists the options)"),
        ((*LINES, "prefetch", "--device", "gpu"), "'gpu' (choose from"),
        ((*LINES, "prefetch", "--images", "-5"), "-5"),
        ((*LINES, "fly"), "invalid choice: 'fly'"),
    ],
)
def test_a_wrong_argument_is_one_line(command: tuple[str, ...], words: str, tmp_path: Path) -> None:
    assert words in refused(start(command, tmp_path), tmp_path)


def test_a_port_in_use_is_one_line(taken: int, tmp_path: Path) -> None:
    words = f"port {taken} of 127.0.0.1 is in use by another program: end it, or give another --port."
    assert words in refused(start((*APP, "--port", str(taken)), tmp_path), tmp_path)
    named = start((*LINES, "app"), tmp_path, GRADIO_SERVER_PORT=str(taken))
    assert refused(named, tmp_path) == f"lines app: {words}\n"


def test_a_wrong_port_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    line = refused(start(APP, tmp_path, GRADIO_SERVER_PORT="abc"), tmp_path)
    assert "GRADIO_SERVER_PORT: expected a port from 1 to 65535, got 'abc': unset it, or give --port" in line


def test_a_device_that_is_not_there_is_one_line_and_leaves_no_folder(tmp_path: Path) -> None:
    """It is found out after the folder for uploads was made."""
    port = str(free_port())
    done = start((*APP, "--device", "cuda", "--port", port, "--cache", str(tmp_path / "c")), tmp_path)
    assert "finds no cuda device on this machine" in refused(done, tmp_path)


def test_a_task_without_images_is_one_line_and_leaves_no_folder(tmp_path: Path) -> None:
    port = str(free_port())
    place = ("--port", port, "--cache", str(tmp_path / "c"))
    done = start((*APP, "--task", f"Things={tmp_path / 'nowhere'}", *place), tmp_path)
    assert "There is no" in refused(done, tmp_path)


def test_a_cluster_that_is_not_there_is_one_line_and_leaves_no_folder(tmp_path: Path) -> None:
    port = str(free_port())
    done = start((*APP, "--ray", "127.0.0.1:1", "--port", port, "--cache", str(tmp_path / "c")), tmp_path)
    assert "No Ray cluster answers at 127.0.0.1:1: Connection refused. `ray start --head" in refused(
        done, tmp_path
    )
