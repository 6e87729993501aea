"""Progress: silent for a second, then one line with the time that is left."""

import sys

import pytest

from lines_cli import progress_line
from lines_cli.progress_line import ProgressLine


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_line, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("terminal", "ends"), [(True, ["\rw: 20 %, 8 s left", f"\r{'':17}\r"]), (False, None)]
)
def test_after_a_second(
    terminal: bool,
    ends: list[str] | None,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with ProgressLine("w") as progress:
        clock.now += 0.9
        progress(15, 100)
        assert capsys.readouterr().err == ""
        clock.now += 1.1
        progress(20, 100)
        first = capsys.readouterr().err
        progress(21, 100)
        assert capsys.readouterr().err == "", "not more often than can be read"
    last = capsys.readouterr().err
    assert [first, last] == (ends or ["w: 20 %, 8 s left\n", ""])


def test_a_shorter_line_covers_a_longer_one(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = ProgressLine("w")
    clock.now += 2
    progress(5, 100)
    clock.now += 100
    progress(99, 100)
    long, short = capsys.readouterr().err.split("\r")[1:]
    assert len(long) == len(short)


def test_the_first_pieces_are_no_measure_of_the_time(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a slow start, of a file that was converted first, it said 23 hours for a second's work."""
    progress = ProgressLine("w")
    clock.now += 8
    progress(1, 10_000)
    assert capsys.readouterr().err == "w: 0 %\n"
