"""Loads that run in the background, one an encoder, for everybody who looks on."""

import logging
import threading
from collections.abc import Callable

from evaluators.errors import Cancelled
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.loader import FAILED, RUNNING, WAITING, Loader, LoadRequest, LoadStep, steps_of
from lines_core.errors import LinesError

_LOG = logging.getLogger(__name__)
UNEXPECTED = "Something unexpected went wrong; the server's log has the details. Load again to go on."


class LoadJob:
    """One load under way, or done.

    Args:
        wish: what is loaded.
        loader: that loads it.
        earlier: the lab of the same encoder that is there already.
        ready: called with the lab from the job's own thread, before the job counts as done.
    """

    def __init__(
        self,
        load_request: LoadRequest,
        loader: Loader,
        earlier: HubLab | None,
        ready: Callable[[HubLab], None],
    ) -> None:
        self.load_request = load_request
        self.problem = ""
        self.askers: set[str] = set()
        self._steps = {step.key: step for step in steps_of(load_request)}
        self._stop = threading.Event()
        self._done = threading.Event()
        self._loader = loader
        self._earlier = earlier
        self._ready = ready
        self._thread = threading.Thread(target=self._run, name=f"load {load_request.model}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def asked_by(self, session: str) -> None:
        """Note that a session has asked for it."""
        self.askers.add(session)

    def left(self, session: str) -> None:
        """Forget a session; the load goes on."""
        self.askers.discard(session)

    def may_stop(self, session: str) -> bool:
        """Whether nobody else has asked for it who is still there."""
        return not self.askers - {session}

    def stop(self) -> None:
        """End within about a second; what is loaded stays on disk."""
        self._stop.set()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not: ``problem`` says which."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""
        return self._done.wait(seconds)

    def steps(self) -> tuple[LoadStep, ...]:
        """How far every step is."""
        return tuple(self._steps.values())

    def _tell(self, step: LoadStep) -> None:
        self._steps[step.key] = step

    def _run(self) -> None:
        try:
            self._ready(self._loader.load(self.load_request, self._tell, self._stop, self._earlier))
        except Cancelled:
            self.problem = "The load was stopped. What was loaded is kept: load again to go on."
        except LinesError as error:
            self.problem = str(error)
        except Exception:  # noqa: BLE001 -- a thread has nobody to raise to
            _LOG.exception("Loading %s failed", self.load_request.model)
            self.problem = UNEXPECTED
            for step in self.steps():
                if step.state in (RUNNING, WAITING):
                    self._tell(LoadStep(step.key, step.title, FAILED, UNEXPECTED))
        finally:
            self._done.set()


class LoadJobs:
    """The newest load of each encoder. Any method may be called from any thread."""

    def __init__(self, loader: Loader, ready: Callable[[HubLab], None]) -> None:
        self._loader = loader
        self._ready = ready
        self._lock = threading.Lock()
        self._jobs: dict[str, LoadJob] = {}

    def start(self, load_request: LoadRequest, earlier: HubLab | None, session: str = "") -> LoadJob:
        """Begin a load, or join the one that is under way for the same encoder, whatever it was asked for."""
        with self._lock:
            job = self._jobs.get(load_request.model)
            if job is None or job.done:
                job = LoadJob(load_request, self._loader, earlier, self._ready)
                self._jobs[load_request.model] = job
                job.start()
            job.asked_by(session)
            return job

    def leave(self, session: str) -> None:
        """A visitor has gone; what was asked for is loaded nevertheless."""
        with self._lock:
            for job in self._jobs.values():
                job.left(session)

    def stop(self) -> None:
        """End all loads."""
        with self._lock:
            for job in self._jobs.values():
                job.stop()

    def of(self, model: str) -> LoadJob | None:
        """The newest load of an encoder."""
        with self._lock:
            return self._jobs.get(model)
