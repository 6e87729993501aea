"""Loads in background threads, at most one for each encoder, shared by all who ask for it."""

import logging
import threading
from collections.abc import Callable

from evaluators.errors import Cancelled
from evaluators.hub.load_request import FAILED, RUNNING, WAITING, LoadStep
from evaluators.hub.public_loader import PublicLab, PublicLoader, PublicRequest
from evaluators.labs.lab import Lab
from lines_core.errors import LinesError

_LOG = logging.getLogger(__name__)
UNEXPECTED = "Something unexpected went wrong; the server's log has the details. Load again to continue."


class LoadJob:
    """One load, running or ended.

    Args:
        request: what is loaded.
        loader: that loads it.
        earlier: the lab of the same model that is loaded already.
        ready: called with the lab and this job from the job's thread, before it counts as done.
    Attributes:
        problem: why it has failed, empty if it has not.
        sessions: that asked for it and have not left.
    """

    def __init__(
        self,
        request: PublicRequest,
        loader: PublicLoader,
        earlier: Lab | None,
        ready: "Callable[[PublicLab, LoadJob], None]",
    ) -> None:
        self.request = request
        self.problem = ""
        self.sessions: set[str] = set()
        self._steps = {step.key: step for step in request.steps}
        self._stop = threading.Event()
        self._done = threading.Event()
        self._loader = loader
        self._earlier = earlier
        self._ready = ready

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"load {self.request.model}", daemon=True).start()

    def stop(self) -> None:
        """End within about a second; what is loaded stays on disk."""
        self._stop.set()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not: ``problem`` says which."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait up to so long for the end; whether it has come."""
        return self._done.wait(seconds)

    def steps(self) -> tuple[LoadStep, ...]:
        """Progress of every step."""
        return tuple(self._steps.values())

    def _report(self, step: LoadStep) -> None:
        self._steps[step.key] = step

    def _run(self) -> None:
        try:
            self._ready(self._loader.load(self.request, self._report, self._stop, self._earlier), self)
        except Cancelled:
            self.problem = "The load was stopped. What was loaded is kept: load again to continue."
        except LinesError as error:
            self.problem = str(error)
        except Exception:  # noqa: BLE001 -- a thread has nobody to raise to
            _LOG.exception("Loading %s failed", self.request.model)
            self.problem = UNEXPECTED
            for step in self.steps():
                if step.state in (RUNNING, WAITING):
                    self._report(LoadStep(step.key, step.title, FAILED, UNEXPECTED))
        finally:
            self._done.set()


class LoadJobs:
    """The newest load of each encoder. Thread-safe."""

    def __init__(self, loader: PublicLoader, ready: Callable[[PublicLab, LoadJob], None]) -> None:
        self._loader = loader
        self._ready = ready
        self._lock = threading.Lock()
        self._jobs: dict[str, LoadJob] = {}

    def start(self, request: PublicRequest, earlier: Lab | None, session: str = "") -> LoadJob:
        """Begin a load, or join the running one of the same encoder, whatever its tasks are."""
        with self._lock:
            job = self._jobs.get(request.model)
            if job is None or job.done:
                job = self._jobs[request.model] = LoadJob(request, self._loader, earlier, self._ready)
                job.sessions.add(session)
                job.start()
            job.sessions.add(session)
            return job

    def stop(self, model: str, session: str) -> bool:
        """Stop the load of an encoder, unless other sessions have asked for it; whether it was stopped."""
        with self._lock:
            job = self._jobs.get(model)
            if job is None or job.sessions - {session}:
                return False
            job.sessions.add(session)  # a page that was loaded anew is another session: it too is told
            job.stop()
            return True

    def leave(self, session: str) -> None:
        """A session has ended; its loads go on."""
        with self._lock:
            for job in self._jobs.values():
                job.sessions.discard(session)

    def close(self) -> None:
        """Stop all loads."""
        with self._lock:
            for job in self._jobs.values():
                job.stop()

    def all(self) -> tuple[LoadJob, ...]:
        """The newest load of every encoder that was asked for, in the order of the first requests."""
        with self._lock:
            return tuple(self._jobs.values())

    def of_model(self, model: str) -> LoadJob | None:
        """The newest load of an encoder."""
        with self._lock:
            return self._jobs.get(model)
