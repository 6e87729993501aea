"""One line of JSON per request: every field, nothing about the visitor, written once."""

import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import TextIO

import pytest
import uvicorn

from evaluators.service.request_stats import COMPLETE, FAILED, KNOWN, RequestStats
from serving.request_log import LOGGER, RequestLog

STATS = RequestStats("5e" * 32, COMPLETE, "", 0.123456, 0.002, 1.5, 2.00004, 0.30001, 7, 2)


@pytest.fixture
def open_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[TextIO | None], RequestLog]]:
    """Opens request logs that have a minute to write; afterwards all is as before, and no thread is left."""
    monkeypatch.setattr("serving.request_log.FLUSH_SECONDS", 60.0)
    logger = logging.getLogger(LOGGER)
    before = logger.handlers, logger.propagate, logger.level
    logs: list[RequestLog] = []

    def opened(stream: TextIO | None) -> RequestLog:
        logs.append(RequestLog(stream))
        return logs[-1]

    yield opened
    for log in logs:
        log.close()
    logger.handlers, logger.propagate, logger.level = before


def test_a_request_is_one_line_of_json(open_log: Callable[..., RequestLog]) -> None:
    stream = io.StringIO()
    log = open_log(stream)
    log(STATS)
    log.flush()
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    when = datetime.fromisoformat(entry.pop("time"))
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - when) < timedelta(minutes=5)
    assert entry == {
        "event": "request",
        "spec": "5e" * 32,
        "outcome": "complete",
        "cached": False,
        "queue": 0.1235,
        "edit": 0.002,
        "forward": 1.5,
        "seconds": 2.0,
        "first": 0.3,
        "counted": 7,
        "shared": 2,
        "error": "",
    }


def test_every_field_of_the_stats_is_logged(open_log: Callable[..., RequestLog]) -> None:
    stream = io.StringIO()
    log = open_log(stream)
    log(RequestStats("", FAILED, "LabError"))
    log(RequestStats("ab", KNOWN))
    log.flush()
    failed, known = map(json.loads, stream.getvalue().splitlines())
    public = {field.name for field in fields(RequestStats) if not field.name.startswith("_")}
    assert public | {"time", "event", "cached"} == set(failed)
    assert (failed["error"], failed["cached"], known["cached"]) == ("LabError", False, True)


def test_line_breaks_are_escaped(open_log: Callable[..., RequestLog]) -> None:
    stream = io.StringIO()
    log = open_log(stream)
    log(RequestStats('x"\n{"event": "forged"}\u2028', "refused", "E\r\nE"))
    log.flush()
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["spec"] == 'x"\n{"event": "forged"}\u2028'


def test_no_line_is_written_twice(
    open_log: Callable[..., RequestLog],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_log(None)
    log = open_log(None)
    log(STATS)
    log.flush()
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert caplog.records == []  # nothing reaches the root logger


def test_logging_continues_after_uvicorn_configured_logging(open_log: Callable[..., RequestLog]) -> None:
    """uvicorn configures logging when it starts, which closes all handlers."""
    stream = io.StringIO()
    log = open_log(stream)
    for number in range(1, 4):
        log(STATS)
        uvicorn.Config("app:app")
        log(STATS)
        log.flush()
        assert len(stream.getvalue().splitlines()) == 2 * number


def test_a_full_pipe_does_not_block_requests(
    open_log: Callable[..., RequestLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody reads used to block every request once it was full."""
    monkeypatch.setattr("serving.request_log.MAX_WAITING", 100)
    monkeypatch.setattr("serving.request_log.FLUSH_SECONDS", 0.05)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", buffering=1) as stream, os.fdopen(reading, "rb") as reader:
        log = open_log(stream)
        for _ in range(5000):  # a pipe holds 64 KiB; a blocked request would block the test here
            log(STATS)
        log.flush()
        drained = threading.Thread(target=lambda: list(reader))
        drained.start()
        monkeypatch.setattr("serving.request_log.FLUSH_SECONDS", 60.0)
        log.flush()
        stream.close()
        drained.join()
