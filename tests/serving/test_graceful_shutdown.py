"""Real processes told to stop: what they still do, how long it takes them and the code they end with."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from gradio_client import Client

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

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

stopping = GracefulShutdown(within=2.0)
stopping.install()
{body}
print("ready", flush=True)
stopping.wait()
"""

PAGE = """
import sys, time
from pathlib import Path
from serving.graceful_shutdown import GracefulShutdown, closing

stopping = GracefulShutdown()
stopping.install()
import gradio as gr

def count() -> int:
    for number in range(600):
        yield number
        time.sleep(0.1)

with gr.Blocks(analytics_enabled=False) as page:
    gr.api(count, api_name="count")
page.launch(server_port=int(sys.argv[2]), prevent_thread_lock=True, quiet=True)
stopping.before_exit("page", closing(page))
stopping.before_exit("note", lambda: Path(sys.argv[1]).write_text("kept"))
print("ready", flush=True)
stopping.wait()
"""


@contextmanager
def running(program: str, *given: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process of this repository, killed in the end, or after a minute, if it still runs."""
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, given)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(PATIENCE, process.kill)
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


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, float, str]:
    """The process's exit code, the seconds it took to end, and what it wrote to standard error."""
    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, time.monotonic() - began, errors


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A file that the steps of a process write a word into each."""
    return tmp_path / "note"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_steps_run_in_order_and_the_code_is_0(number: int, note: Path) -> None:
    body = """
for word in ("first", "second", "third"):
    stopping.before_exit(word, lambda word=word: write(word))
stopping.before_exit("told", lambda: write(str(stopping.stopping)))
write(str(stopping.stopping))
"""
    with running(BARE.format(body=body), note) as process:
        ready(process)
        code, seconds, errors = stop(process, number)
    assert (code, note.read_text()) == (0, "False first second third True ")
    assert seconds < 1
    assert f"Told to stop by {signal.Signals(number).name}." in errors


def test_a_process_still_starting_ends_too(note: Path) -> None:
    """The main thread is busy, has added one step and will never come to wait."""
    body = """
stopping.before_exit("step", lambda: write("step"))
print("starting", flush=True)
time.sleep(60)
"""
    with running(BARE.format(body=body), note) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        code, seconds, _ = stop(process)
    assert (code, note.read_text()) == (0, "step ")
    assert seconds < 1


def test_no_worker_thread_is_waited_for(note: Path) -> None:
    """At its end Python joins the threads of every executor, whatever they are at."""
    body = """
workers = ThreadPoolExecutor()
workers.submit(time.sleep, 60)
threading.Thread(target=time.sleep, args=(60,)).start()
stopping.before_exit("step", lambda: write("step"))
"""
    with running(BARE.format(body=body), note) as process:
        ready(process)
        code, seconds, _ = stop(process)
    assert (code, note.read_text()) == (0, "step ")
    assert seconds < 1


def test_a_step_that_hangs_costs_only_its_share(note: Path) -> None:
    body = """
stopping.before_exit("first", lambda: write("first"))
stopping.before_exit("endless", lambda: time.sleep(60))
stopping.before_exit("last", lambda: write("last"))
"""
    with running(BARE.format(body=body), note) as process:
        ready(process)
        code, seconds, errors = stop(process)
    assert (code, note.read_text()) == (1, "first last ")
    assert 0.8 < seconds < 1.8  # half of the 1.8 seconds that were left to two steps
    assert "endless: not ended after 0.9 s, left behind." in errors


def test_a_step_that_fails_is_told_and_the_others_run(note: Path) -> None:
    body = """
stopping.before_exit("full disk", fail)
stopping.before_exit("last", lambda: write("last"))
"""
    with running(BARE.format(body=body), note) as process:
        ready(process)
        code, _, errors = stop(process)
    assert (code, note.read_text()) == (1, "last ")
    assert "OSError: no space left" in errors
    assert "full disk: failed." in errors


def test_it_ends_even_if_a_step_never_lets_python_run_again() -> None:
    """A regular expression holds the interpreter's lock until it is through, here in some years."""
    body = 'stopping.before_exit("regex", lambda: re.match("(a+)+$", "a" * 60 + "b"))'
    with running(BARE.format(body=body), "unused") as process:
        ready(process)
        code, seconds, errors = stop(process)
    assert code == 1
    assert 1.9 < seconds < 4
    assert "Timeout (0:00:02)!" in errors


def test_a_second_signal_ends_at_once() -> None:
    body = 'stopping.before_exit("endless", lambda: (print("stopping", flush=True), time.sleep(60)))'
    with running(BARE.format(body=body), "unused") as process:
        ready(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping\n"
        code, seconds, _ = stop(process, signal.SIGINT)
    assert code == 128 + signal.SIGINT
    assert seconds < 1


def test_a_forked_child_stops_alone(note: Path) -> None:
    """A pool ends its workers by SIGTERM: that is no word to the process that made them.

    One that comes right after the fork must not be lost on the child either: hence so many of them. The last
    child has a handler of its own, which is none of its parent's business.
    """
    body = """
stopping.before_exit("step", lambda: write("step"))

def told_to(number, prepare):
    child = os.fork()
    if not child:
        prepare()
        time.sleep(3)
        os._exit(0)
    if prepare is not nothing:
        time.sleep(0.3)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def nothing():
    pass

def handle():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))

write(str({told_to(signal.SIGTERM, nothing) for _ in range(40)}))
write(str({told_to(signal.SIGINT, nothing) for _ in range(40)}))
write(str(told_to(signal.SIGTERM, handle)))
time.sleep(0.2)
write(str(stopping.stopping))
"""
    with running(BARE.format(body=body), note) as process:
        ready(process)
        code, _, _ = stop(process)
    ended = f"{{{-signal.SIGTERM:d}}} {{{-signal.SIGINT:d}}} 7"
    assert (code, note.read_text()) == (0, f"{ended} False step ")


def test_a_page_with_a_visitor_in_mid_answer_closes(note: Path) -> None:
    """The client holds two connections open: the stream of its answers, and the heartbeat of its session."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with running(PAGE, note, port) as process:
        ready(process)
        visitor = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False)
        job = visitor.submit(api_name="/count")
        deadline = time.monotonic() + 20
        while len(job.outputs()) < 2:
            assert time.monotonic() < deadline, "the generator gave no answer"
            time.sleep(0.05)
        code, seconds, errors = stop(process)
        assert not job.done() or job.exception(timeout=1) is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
    assert (code, note.read_text()) == (0, "kept")
    assert seconds < 5
    assert errors == ""
