"""What a container's engine sees of the real page: well, told to stop while it measures, gone in time."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from app import arguments
from tests.browser.driving import free_port
from tests.deploy.clean_environment import ROOT
from tests.deploy.starting import started

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
WITHIN = 10.0
"""Seconds that Docker waits before it kills."""


def evaluated(visitor: Client, alpha: float) -> dict[str, Any]:
    """The answer of /evaluate, with the seconds that measuring it took."""
    answer: dict[str, Any] = visitor.predict(alpha=alpha, beta=1 - alpha, api_name="/evaluate")
    return answer


def logged(said: str) -> list[str]:
    """How the requests ended of which a server's output has a line."""
    return [json.loads(line)["outcome"] for line in said.splitlines() if line.startswith("{")]


def healthy(port: int) -> bool:
    """What the Dockerfile's health check says of a page on this port."""
    line = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert line
    command = [sys.executable, *json.loads(line[1])[1:]]
    assert sum("7860" in word for word in command) == 1
    checked = [word.replace("7860", str(port)) for word in command]
    return subprocess.run(checked, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_the_image_starts_what_the_page_understands() -> None:
    """As process 1 without a shell around it, as nobody in particular, on the port that is looked at."""
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


def test_a_measurement_cut_off_by_sigterm_costs_nothing_that_was_known(tmp_path: Path) -> None:
    port = free_port()
    cache = tmp_path / "cache"
    command = [sys.executable, "app.py", "--port", str(port), "--cache", str(cache)]

    with started(command, port, ROOT, os.environ, tmp_path / "first") as first:
        visitor = Client(first.address, verbose=False, analytics_enabled=False)
        known = evaluated(visitor, 0.2718)
        measuring = visitor.submit(alpha=0.3141, beta=0.6859, api_name="/evaluate")
        time.sleep(0.5)
        assert not measuring.done()
        code, seconds = first.stop()
        assert (code, first.said().count("Traceback")) == (0, 0), first.said()
        assert seconds < WITHIN
        assert "complete" in logged(first.said())
    with closing(sqlite3.connect(cache / "results.sqlite")) as results:
        assert results.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with started(command, port, ROOT, os.environ, tmp_path / "second") as second:
        with closing(Client(second.address, verbose=False, analytics_enabled=False)) as visitor:
            assert evaluated(visitor, 0.2718) == known, "seconds and all: from the store, not measured again"
            assert evaluated(visitor, 0.3141)["coefficients"][0] == pytest.approx(0.3141)
        assert healthy(port)
        assert second.stop()[0] == 0
        assert not healthy(port)
        assert sorted(set(logged(second.said()))) == ["complete", "known"]


def test_a_page_that_is_still_starting_stops_too(tmp_path: Path) -> None:
    """In the middle of its imports, or of reading the lab, long before there is anything to close."""
    command = [sys.executable, "app.py", "--port", str(free_port()), "--cache", str(tmp_path)]
    for wait in (0.5, 2.0):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        time.sleep(wait)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors.count("Traceback")) == (0, 0), errors
        assert time.monotonic() - began < WITHIN
