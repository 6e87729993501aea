"""Reports of a load's steps: progress, the result or the error of each, and steps that may fail."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from evaluators.errors import Cancelled
from evaluators.hub.load_request import DONE, FAILED, RUNNING, WAITING, LoadStep
from evaluators.hub.transfer.parallel_calls import Progress
from lines_core.errors import LinesError

Report = Callable[[LoadStep], None]
"""Called with a step that has changed."""


class StepReport:
    """A step that reports its changes.

    Attributes:
        result: shown as the phase when the step is done.
    """

    def __init__(self, step: LoadStep, report: Report) -> None:
        self.step = step
        self.result = ""
        self._report = report

    def phase(self, phase: str, unit: str = "") -> None:
        """Begin another activity, counted in ``unit``."""
        self.change(state=RUNNING, phase=phase, unit=unit, done=0, total=0)

    @property
    def count(self) -> Progress:
        """Reports how much of the activity is done."""
        return lambda done, total: self.change(done=done, total=total)

    def change(self, **changes: object) -> None:
        """Report other values of the step's fields."""
        self.step = replace(self.step, **changes)  # type: ignore[arg-type]
        self._report(self.step)


@contextmanager
def reported(step: LoadStep, report: Report) -> Iterator[StepReport]:
    """A step that is reported as done at the end of the block, or as failed with the reason."""
    running = StepReport(step, report)
    running.phase("starting")
    try:
        yield running
    except Cancelled:
        running.change(state=WAITING, phase="stopped", unit="", done=0, total=0)
        raise
    except LinesError as error:
        running.change(state=FAILED, phase=str(error), unit="", done=0, total=0)
        raise
    running.change(state=DONE, phase=running.result, unit="", done=0, total=0)


@contextmanager
def optional() -> Iterator[None]:
    """A step without which the load goes on. Raises: Cancelled."""
    try:
        yield
    except Cancelled:
        raise
    except LinesError:
        pass  # reported already, and the other steps do not need it


def stoppable(count: Progress, stop: threading.Event) -> Progress:
    """A progress that can be stopped. Raises: Cancelled once ``stop`` is set."""

    def counted(done: int, total: int) -> None:
        if stop.is_set():
            raise Cancelled("The load was stopped; what was made is kept.")
        count(done, total)

    return counted
