"""The real page under a container engine: its health check, and SIGTERM at any time of its life."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from gradio_client import Client

from app import arguments
from tests.deploy.clean_environment import ROOT
from tests.deploy.starting import Page, free_port, started, starting, visiting
from tests.waiting import WATCHDOG

SLOW_MACHINE = ("--shutdown-seconds", "90")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def evaluated(visitor: Client, alpha: float) -> dict[str, Any]:
    """The answer of /evaluate, which holds the seconds that its evaluation took."""
    answer: dict[str, Any] = visitor.predict(alpha=alpha, beta=1 - alpha, api_name="/evaluate")
    return answer


def outcomes(log: str) -> set[str]:
    """The outcomes of the requests in a server's log."""
    return {json.loads(line)["outcome"] for line in log.splitlines() if line.startswith("{")}


def running(page: Page) -> bool:
    """Whether the server evaluates something."""
    with urlopen(f"{page.address}/health", timeout=WATCHDOG) as reply:
        return bool(json.load(reply)["queue"]["running"])


def healthy(port: int) -> bool:
    """The result of the Dockerfile's health check for a page on this port."""
    line = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert line
    command = [sys.executable, *json.loads(line[1])[1:]]
    assert sum("7860" in word for word in command) == 1
    checked = [word.replace("7860", str(port)) for word in command]
    return subprocess.run(checked, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_the_image_starts_the_app_with_options_that_it_has() -> None:
    """In exec form, so that SIGTERM reaches it, as an unprivileged user, on the port of the health check."""
    command = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert command
    python, file, *given = json.loads(command[1])
    assert (python, file) == ("python", "app.py")
    options = arguments(given)
    assert (options.host, options.port, options.cache) == ("0.0.0.0", 7860, Path("/cache"))
    assert re.findall(r"^(?:USER|EXPOSE|VOLUME) .*$", DOCKERFILE, re.MULTILINE) == [
        "USER 1000",
        'VOLUME ["/cache"]',
        "EXPOSE 7860",
    ]


def test_sigterm_during_an_evaluation_loses_no_stored_result(tmp_path: Path) -> None:
    port = free_port()
    cache = tmp_path / "cache"
    command = [sys.executable, "app.py", *SLOW_MACHINE, "--port", str(port), "--cache", str(cache)]

    with started(command, port, ROOT, os.environ, tmp_path / "first") as first:
        visitor = visiting(first.address)
        known = evaluated(visitor, 0.2718)
        evaluation = visitor.submit(alpha=0.3141, beta=0.6859, api_name="/evaluate")
        first.wait_until(lambda: running(first) or evaluation.done())
        assert first.stop() == 0
        assert "Traceback" not in first.log()
        assert "complete" in outcomes(first.log())
    with closing(sqlite3.connect(cache / "results.sqlite")) as results:
        assert results.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with started(command, port, ROOT, os.environ, tmp_path / "second") as second:
        with closing(visiting(second.address)) as visitor:
            assert evaluated(visitor, 0.2718) == known, "with the same seconds: read from the store"
            assert evaluated(visitor, 0.3141)["coefficients"][0] == pytest.approx(0.3141)
        assert healthy(port)
        assert second.stop() == 0
        assert not healthy(port)
        assert outcomes(second.log()) <= {"complete", "known"}


def sigterm_is_handled(process: int) -> bool:
    """Whether the process has installed a handler for SIGTERM."""
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    assert caught
    return bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def torch_is_mapped(process: int) -> bool:
    """Whether the process has begun to import torch."""
    return "libtorch" in Path(f"/proc/{process}/maps").read_text("utf-8")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("reached", [sigterm_is_handled, torch_is_mapped])
def test_a_page_that_is_still_starting_stops_too(reached: Callable[[int], bool], tmp_path: Path) -> None:
    """In the middle of its imports, long before there is anything to close."""
    port = free_port()
    command = [sys.executable, "app.py", *SLOW_MACHINE, "--port", str(port), "--cache", str(tmp_path)]
    with starting(command, port, ROOT, os.environ, tmp_path / "output") as page:
        page.wait_until(lambda: reached(page.process.pid))
        assert page.stop() == 0
        assert "Traceback" not in page.log()
