"""One line of JSON a request: every field, nothing of who asked, once, and cheap."""

import io
import json
import logging
import os
import select
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta, timezone

import pytest
import uvicorn

from evaluators.service.request_stats import COMPLETE, FAILED, KNOWN, SUPERSEDED, RequestStats
from serving.request_log import LOGGER, request_log

ACCOUNT = RequestStats("5e" * 32, COMPLETE, "", 0.123456, 0.002, 1.5, 2.00004, 0.30001, 7, 2)


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    log = logging.getLogger(LOGGER)
    before = log.handlers, log.propagate, log.level
    yield
    log.handlers, log.propagate, log.level = before


def written() -> None:
    """Wait until all lines are written."""
    for handler in logging.getLogger(LOGGER).handlers:
        handler.flush()


def test_a_request_is_one_line_of_json() -> None:
    stream = io.StringIO()
    request_log(stream)(ACCOUNT)
    written()
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    when = datetime.fromisoformat(told.pop("time"))
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - when) < timedelta(seconds=10)
    assert told == {
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


def test_every_field_of_an_account_is_there() -> None:
    stream = io.StringIO()
    observe = request_log(stream)
    observe(RequestStats("", FAILED, "LabError"))
    observe(RequestStats("ab", KNOWN))
    written()
    failed, known = map(json.loads, stream.getvalue().splitlines())
    assert {field.name for field in fields(RequestStats)} | {"time", "event", "cached"} == set(failed)
    assert (failed["error"], failed["cached"], known["cached"]) == ("LabError", False, True)


def test_nothing_can_break_out_of_its_line() -> None:
    stream = io.StringIO()
    request_log(stream)(RequestStats('x"\n{"event": "forged"}\u2028', "refused", "E\r\nE"))
    written()
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["spec"] == 'x"\n{"event": "forged"}\u2028'


def test_no_line_is_written_twice(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    request_log()
    observe = request_log()
    observe(ACCOUNT)
    written()
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert caplog.records == []  # the root logger is not told


def test_lines_go_on_where_a_server_has_configured_logging() -> None:
    """uvicorn does when it starts, and closes every handler there is."""
    stream = io.StringIO()
    observe = request_log(stream)
    for number in range(1, 4):
        observe(ACCOUNT)
        uvicorn.Config("app:app")
        observe(ACCOUNT)
        written()
        assert len(stream.getvalue().splitlines()) == 2 * number


def test_a_line_costs_next_to_nothing() -> None:
    """A dragged slider ends thirty requests a second: their lines may not be felt."""
    observe = request_log(io.StringIO())
    account = RequestStats("5e" * 32, SUPERSEDED, queue=0.1, seconds=0.1)
    best = min(_seconds(lambda: observe(account)) for _ in range(5))
    assert best < 200e-6


def _seconds(act: object) -> float:
    begin = time.perf_counter()
    for _ in range(200):
        act()  # type: ignore[operator]
    return (time.perf_counter() - begin) / 200


def test_whoever_stops_reading_the_lines_does_not_stop_the_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that nobody empties used to hold up every request once it was full."""
    monkeypatch.setattr("serving.request_log.KEPT", 100)
    monkeypatch.setattr("serving.request_log.LAST", 0.05)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", buffering=1) as stream:
        observe = request_log(stream)
        began = time.monotonic()
        for _ in range(5000):  # a pipe holds 64 KiB
            observe(ACCOUNT)
        logging.getLogger(LOGGER).handlers[0].close()
        assert time.monotonic() - began < 5
        while os.read(reading, 2**16):  # let the thread end
            if not select.select([reading], [], [], 0.5)[0]:
                break
        os.close(reading)
