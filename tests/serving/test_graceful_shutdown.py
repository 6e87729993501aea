"""Real processes that receive a signal: which steps run, and the exit code. What hangs sleeps longer than the
watchdog of a test, which kills the process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.starting import free_port, visiting
from tests.waiting import WATCHDOG

ROOT = Path(__file__).parents[2]

BARE = """
import logging, os, re, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from serving.graceful_shutdown import GracefulShutdown

logging.basicConfig(level=logging.INFO, format="%(message)s")

def write(word):
    with Path(sys.argv[1]).open("a") as note:
        note.write(word + " ")

def fail():
    raise OSError("no space left")

stopping = GracefulShutdown(within={within})
stopping.install()
{body}
print("ready", flush=True)
stopping.wait()
"""

PAGE = """
import sys, time
from pathlib import Path
from serving.graceful_shutdown import GracefulShutdown, closing

stopping = GracefulShutdown(within=60.0)
stopping.install()
import gradio as gr

def count() -> int:
    for number in range(600):
        yield number
        time.sleep(0.1)

with gr.Blocks(analytics_enabled=False) as page:
    gr.api(count, api_name="count")
page.launch(server_port=int(sys.argv[2]), prevent_thread_lock=True, quiet=True, _frontend=False)
stopping.before_exit("page", closing(page))
stopping.before_exit("note", lambda: Path(sys.argv[1]).write_text("kept"))
print("ready", flush=True)
stopping.wait()
"""


def bare(body: str, within: float = 60.0) -> str:
    """A program with so many seconds for its end; a busy machine takes some where no step hangs."""
    return BARE.format(body=body, within=within)


@contextmanager
def running(program: str, *given: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process of this repository, killed at the end or by the watchdog."""
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, given)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(WATCHDOG, process.kill)
    guard.start()
    with process:
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    """Exit code and standard error of the process after a signal; the watchdog's kill gives -9."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=WATCHDOG)
    return process.returncode, errors


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A file that each step of a process writes a word into."""
    return tmp_path / "note"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_steps_run_in_order_and_the_code_is_0(number: int, note: Path) -> None:
    body = """
for word in ("first", "second", "third"):
    stopping.before_exit(word, lambda word=word: write(word))
stopping.before_exit("state", lambda: write(str(stopping.stopping)))
write(str(stopping.stopping))
"""
    with running(bare(body), note) as process:
        ready(process)
        code, errors = stop(process, number)
    assert (code, note.read_text()) == (0, "False first second third True ")
    assert f"Received {signal.Signals(number).name}, shutting down." in errors


def test_a_process_that_is_still_starting_exits(note: Path) -> None:
    """The main thread is busy, has added one step and never reaches `wait`."""
    body = """
stopping.before_exit("step", lambda: write("step"))
print("starting", flush=True)
time.sleep(600)
"""
    with running(bare(body), note) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        code, _ = stop(process)
    assert (code, note.read_text()) == (0, "step ")


def test_worker_threads_are_not_joined(note: Path) -> None:
    """A normal exit of Python joins the threads of every executor."""
    body = """
workers = ThreadPoolExecutor()
workers.submit(time.sleep, 600)
threading.Thread(target=time.sleep, args=(600,)).start()
stopping.before_exit("step", lambda: write("step"))
"""
    with running(bare(body), note) as process:
        ready(process)
        code, _ = stop(process)
    assert (code, note.read_text()) == (0, "step ")


def test_a_step_that_hangs_times_out_and_the_next_runs(note: Path) -> None:
    body = """
stopping.before_exit("first", lambda: write("first"))
stopping.before_exit("endless", lambda: time.sleep(600))
stopping.before_exit("last", lambda: write("last"))
"""
    with running(bare(body, within=6.0), note) as process:
        ready(process)
        code, errors = stop(process)
    assert (code, note.read_text()) == (1, "first last ")
    assert "endless: timed out after" in errors


def test_a_step_that_fails_is_logged_and_the_next_runs(note: Path) -> None:
    body = """
stopping.before_exit("full disk", fail)
stopping.before_exit("last", lambda: write("last"))
"""
    with running(bare(body), note) as process:
        ready(process)
        code, errors = stop(process)
    assert (code, note.read_text()) == (1, "last ")
    assert "OSError: no space left" in errors
    assert "full disk: failed." in errors


def test_it_exits_even_if_a_step_never_releases_the_interpreter_lock() -> None:
    """A regular expression holds the interpreter lock until it is done, here in some years."""
    body = 'stopping.before_exit("regex", lambda: re.match("(a+)+$", "a" * 60 + "b"))'
    with running(bare(body, within=2.0), "unused") as process:
        ready(process)
        code, errors = stop(process)
    assert code == 1
    assert "Timeout (0:00:02)!" in errors


def test_a_second_signal_exits_at_once() -> None:
    body = 'stopping.before_exit("endless", lambda: (print("stopping", flush=True), time.sleep(600)))'
    with running(bare(body), "unused") as process:
        ready(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping\n"
        code, _ = stop(process, signal.SIGINT)
    assert code == 128 + signal.SIGINT


def test_a_forked_child_stops_alone(note: Path) -> None:
    """A pool ends its workers by SIGTERM, which must not stop the process that started them.

    Nor may a signal right after the fork be lost, hence so many children. The last child has its own handler.
    """
    body = """
stopping.before_exit("step", lambda: write("step"))

def exit_code(number, handled=False):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        if handled:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
            os.write(writing, b"ready")
        time.sleep(100)
        os._exit(0)
    if handled:
        os.read(reading, 5)
    os.close(reading), os.close(writing)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

write(str({exit_code(signal.SIGTERM) for _ in range(40)}))
write(str({exit_code(signal.SIGINT) for _ in range(40)}))
write(str(exit_code(signal.SIGTERM, handled=True)))
write(str(stopping.stopping))
"""
    with running(bare(body), note) as process:
        ready(process)
        code, _ = stop(process)
    ended = f"{{{-signal.SIGTERM:d}}} {{{-signal.SIGINT:d}}} 7"
    assert (code, note.read_text()) == (0, f"{ended} False step ")


def test_a_page_that_streams_an_answer_closes(note: Path) -> None:
    """The client holds two connections open: the stream of its answers, and the heartbeat of its session."""
    port = free_port()
    with running(PAGE, note, port) as process:
        ready(process)
        visitor = visiting(f"http://127.0.0.1:{port}")
        job = visitor.submit(api_name="/count")
        deadline = time.monotonic() + WATCHDOG
        while len(job.outputs()) < 2:
            assert time.monotonic() < deadline, "the generator gave no answer"
            time.sleep(0.05)
        code, errors = stop(process)
        assert not job.done() or job.exception(timeout=60) is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
    assert (code, note.read_text()) == (0, "kept")
    assert errors == ""
